import { expect, test } from 'bun:test'
import { scripts } from '../package.json'
import { tooOld } from './install.ts'

test('an older Bun is told the command with the right one', () => {
  expect(tooOld('1.2.21', 'dev')).toBe(
    'This is Bun 1.2.21, and the stack needs 1.4.5: npx -y bun@1.4.5 run dev',
  )
  expect(tooOld('1.4.4', 'up')).toEndWith(' run up')
})

test.each(['1.4.5', '1.4.6', '1.10.0'])('Bun %s is new enough', (version) => {
  expect(tooOld(version)).toBeUndefined()
})

/** `up` and `dev` install by themselves, `check` as its first step; `format` needs no package. */
const OTHERS = new Set(['up', 'dev', 'check', 'format'])

test('every script checks the version of Bun and installs the packages before it needs them', () => {
  const late = Object.entries(scripts).filter(
    ([name, command]) => !OTHERS.has(name) && !command.startsWith('bun scripts/install.ts && '),
  )
  expect(late).toEqual([])
})
