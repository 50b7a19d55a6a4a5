/** The kind of the service dogs: its name, trait and defaults. */
import { join } from 'node:path'
import type { Kind } from '@bun-monitoring/pets'

export const dogs: Kind = {
  name: 'dogs',
  trait: 'likes_to_bark',
  defaults: { port: 8001, adminPort: 9001, databasePath: join(import.meta.dir, 'data', 'dogs.sqlite') },
}
