/** `bun run --cwd monitoring families`: writes families.json from the pages of running processes, then the table of the README. */

import { publishedFamilies } from './testing_families.ts'

const json = `${import.meta.dir}/families.json`
const readme = `${import.meta.dir}/README.md`

await Bun.write(json, JSON.stringify(await publishedFamilies(), null, 2))
// The catalogue reads families.json when it is loaded.
const { catalogueTable, HEADING } = await import('./catalogue.ts')
const [before] = (await Bun.file(readme).text()).split(HEADING)
await Bun.write(readme, `${before}${HEADING}\n${catalogueTable()}\n`)
const { exited } = Bun.spawn([process.execPath, '--no-script', 'fmt', json, readme], {
  stdio: ['ignore', 'inherit', 'inherit'],
})
process.exit(await exited)
