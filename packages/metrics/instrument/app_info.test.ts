import { expect, test } from 'bun:test'
import { Registry } from '../api/registry.ts'
import { publishAppInfo } from './app_info.ts'

test('the build is published once', async () => {
  const registry = new Registry()
  publishAppInfo(registry, { name: 'dogs', version: '1.2.3' })
  expect(await registry.metrics()).toContain(
    `app_info{name="dogs",version="1.2.3",bun_version="${Bun.version}"} 1`,
  )
})
