import { testService } from '../pets/testing_service.ts'
import { kind } from './model.ts'

testService(import.meta.dir, kind)
