import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { ROOT } from './external.ts'

test.each([
  ['demo', 'scripts/demo.ts'],
  ['pack', 'scripts/pack.ts'],
  ['new:service', 'scripts/new_service.ts'],
  ['load', 'k6/runner/index.ts'],
])(
  '`bun run %s --help` says how it is used, and an unknown flag is an error',
  async (name, file) => {
    const run = async (flag: string) => {
      const { exitCode, stdout } = await Bun.$`${process.execPath} ${join(ROOT, file)} ${flag}`
        .quiet()
        .nothrow()
      return [exitCode, stdout.toString()] as const
    }
    expect(await run('--help')).toEqual([0, expect.stringContaining(`bun run ${name} `.trimEnd())])
    expect((await run('--nonsense'))[0]).toBeGreaterThan(0)
  },
  20_000,
)
