/** What this service is: its name, fields and defaults. */
import { join } from 'node:path'
import { defineKind } from '@bun-monitoring/pets/model'

export const kind = defineKind({
  name: 'dogs',
  fields: {
    name: { type: 'text', description: 'the name' },
    breed: { type: 'text', description: 'the breed' },
    likes_to_bark: { type: 'boolean', description: 'whether it likes to bark' },
  },
  defaults: { port: 8001, adminPort: 9001, databasePath: join(import.meta.dir, 'data', 'dogs.sqlite') },
})
