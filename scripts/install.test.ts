import { expect, test } from 'bun:test'
import { tooOld } from './install.ts'

test('an older Bun is told the command with the right one', () => {
  expect(tooOld('1.2.21', '/x/scripts/dev.ts')).toBe(
    'This is Bun 1.2.21, and the stack needs 1.4.5: npx -y bun@1.4.5 run dev',
  )
  expect(tooOld('1.4.4', '/x/scripts/up.ts')).toEndWith(' run up')
})

test.each(['1.4.5', '1.4.6', '1.10.0'])('Bun %s is new enough', (version) => {
  expect(tooOld(version)).toBeUndefined()
})
