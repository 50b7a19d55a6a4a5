import { expect, test } from 'bun:test'
import { $ } from 'bun'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { copyTo, isClone } from './testing_files.ts'

test.skipIf(!isClone)(
  'a script may be the first command in a new clone, and run from another folder',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'clone-'))
    const root = join(folder, 'clone')
    await copyTo(root)
    const run = $`${process.execPath} run --cwd ${root} new:service Birds`.cwd(folder).quiet().nothrow()
    const { exitCode, stderr } = await run
    expect(stderr.toString()).toContain('"Birds" is no name of a service: use up to 30 small letters')
    expect(exitCode).toBe(2)
    rmSync(folder, { recursive: true })
  },
  60_000,
)
