/** What a new service still lacks: CONTRIBUTING.md lists the files that name every service, and this test reads them. */
import { expect, test } from 'bun:test'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './external.ts'

const read = (file: string) => readFileSync(join(ROOT, file), 'utf8')

/** Every folder of services/ that is a service: one that can be started. */
const services = readdirSync(join(ROOT, 'services')).filter(
  (name) => name !== 'pets' && existsSync(join(ROOT, 'services', name, 'index.ts')),
)

/** The files of the guide's table. */
const files = [
  ...read('CONTRIBUTING.md')
    .split('## Adding a service')[1]!
    .matchAll(/^\| `([^`]+)`/gm),
].map((match) => match[1]!)

const lackedBy = (service: string) =>
  files.filter((file) => !new RegExp(String.raw`\b${service}\b`).test(read(file)))

test('dogs and cats are services', () => {
  expect(services).toEqual(expect.arrayContaining(['cats', 'dogs']))
})

test.each(services)('%s is named by every file that the guide lists', (service) => {
  expect(lackedBy(service)).toEqual([])
})

test('a service that was just begun lacks them all', () => {
  expect(lackedBy('ferrets')).toEqual(files)
  expect(files.length).toBeGreaterThan(8)
})
