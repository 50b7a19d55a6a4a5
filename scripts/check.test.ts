import { $ } from 'bun'
import { expect, setDefaultTimeout, test } from 'bun:test'

/** On a machine that may be busy. */
setDefaultTimeout(120_000)

const check = (flag: string) => $`bun ${import.meta.dir}/check.ts ${flag}`.nothrow().quiet()

test('--help tells what is checked and what is left out, and checks nothing', async () => {
  const { exitCode, stdout } = await check('--help')
  expect(exitCode).toBe(0)
  expect(stdout.toString()).toStartWith('bun run check [--all]\n')
  expect(stdout.toString()).toContain('(*.slow.test.ts) are left out')
  expect(stdout.toString()).not.toContain('== ')
})

test('an unknown flag is refused before the first step, with exit code 2', async () => {
  const { exitCode, stdout, stderr } = await check('--fast')
  expect(exitCode).toBe(2)
  expect(stdout.toString()).toBe('')
  expect(stderr.toString()).toStartWith('check: unknown flag --fast\n')
})
