/** The type of the programs that the local stack starts besides our own processes, and the folder of the repository. */
import { join } from 'node:path'

export const ROOT = join(import.meta.dir, '..')

/** A program, and the URL that answers 200 once it is ready. */
export interface External {
  name: string
  command: string[]
  env?: Record<string, string>
  url: string
  readyPath: string
}
