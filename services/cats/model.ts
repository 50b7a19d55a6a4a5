/** The kind of the service cats: its name, trait and defaults. */
import { join } from 'node:path'
import type { Kind } from '@bun-monitoring/pets'

export const cats: Kind = {
  name: 'cats',
  trait: 'likes_to_drop_things',
  defaults: { port: 8002, adminPort: 9002, databasePath: join(import.meta.dir, 'data', 'cats.sqlite') },
}
