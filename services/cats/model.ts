/** What this service is: its name, fields and defaults. */
import { join } from 'node:path'
import { defineKind } from '@bun-monitoring/pets/model'

export const kind = defineKind({
  name: 'cats',
  fields: {
    name: { type: 'text', description: 'the name' },
    breed: { type: 'text', description: 'the breed' },
    likes_to_drop_things: { type: 'boolean', description: 'whether it likes to drop things' },
  },
  defaults: { port: 8002, adminPort: 9002, databasePath: join(import.meta.dir, 'data', 'cats.sqlite') },
})
