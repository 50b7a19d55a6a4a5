/** Comments and texts say who acts by name: pronouns for unnamed actors are what made sentences riddles. */
import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './external.ts'
import { filesOf, isClone } from './testing_files.ts'

const PRONOUNS = new RegExp(String.raw`\b(who|what|whom|whoso)ever\b|\b(no|some|any)body\b`, 'i')
const TEXTS = ['*.ts', '*.md', '*.yml', '*.html', '*.toml', '*.json', '.ci/run', 'Dockerfile', 'LICENSE']

test.skipIf(!isClone)('no comment, log line, error or page speaks of an unnamed actor', async () => {
  const files = await filesOf(...TEXTS)
  expect(files.length).toBeGreaterThan(100)
  const found = files
    .filter((file) => !file.includes('/testdata/') && file !== 'scripts/plain_english.test.ts')
    .flatMap((file) =>
      readFileSync(join(ROOT, file), 'utf8')
        .split('\n')
        .flatMap((line, index) => (PRONOUNS.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
    )
  expect(found).toEqual([])
})
