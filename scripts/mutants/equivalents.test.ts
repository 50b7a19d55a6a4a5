import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { entryOf, equivalentsOf, LIST, matches } from './equivalents.ts'
import { mutantOf } from './mutant.ts'

const root = mkdtempSync(join(tmpdir(), 'equivalents-'))
afterAll(() => rmSync(root, { recursive: true }))

const source = "if (a < 'b') stop()"
const mutant = mutantOf('part/in/a.ts', source, {
  start: 6,
  end: 7,
  replacement: '<=',
  kind: 'EqualityOperator',
})

test('an entry that the tool writes names its mutant, wherever the line is, once it has a reason', async () => {
  const entry = entryOf(mutant, 'part')
  await Bun.write(join(root, 'part', LIST), entry)
  expect(() => equivalentsOf(root, 'part')).toThrow(`part/${LIST}: an entry for in/a.ts has no reason`)
  await Bun.write(join(root, 'part', LIST), entry.replace("reason = ''", "reason = 'no a is b'"))
  const [known] = equivalentsOf(root, 'part')
  expect(matches(known!, mutant)).toBe(true)
  expect(matches(known!, { ...mutant, line: 70 })).toBe(true)
  expect(matches(known!, { ...mutant, original: "if (a < 'c') stop()" })).toBe(false)
  expect(matches(known!, { ...mutant, mutated: "if (a >= 'b') stop()" })).toBe(false)
})

test('a folder inside of one with a list has that list; without a list there are no entries', () => {
  expect(equivalentsOf(root, 'part/in')).toHaveLength(1)
  expect(equivalentsOf(root, 'other')).toEqual([])
})
