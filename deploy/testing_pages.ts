/** Test helper. Reads the commands of the pages in operations/, so that tests run what operators type. */
import { join } from 'node:path'

const FOLDER = join(import.meta.dir, 'operations')

export const PAGES = [...new Bun.Glob('*.md').scanSync(FOLDER)].toSorted()

export const readPage = (page: string): Promise<string> => Bun.file(join(FOLDER, page)).text()

/** The code blocks below a heading of a page, in their order. @throws if there is none */
export async function commandsOf(page: string, heading: string): Promise<string[]> {
  const section = (await readPage(page)).split(/^## /m).find((text) => text.startsWith(`${heading}\n`))
  const blocks = [...(section ?? '').matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block!)
  if (blocks.length === 0) throw new Error(`${page} has no commands below ${heading}`)
  return blocks
}
