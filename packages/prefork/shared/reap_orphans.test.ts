/** Which zombies are reaped. That process 1 of a container does so is in master/stop.slow.test.ts. */
import { expect, test } from 'bun:test'
import { reaper, reapOrphans } from './reap_orphans.ts'

/** Looks at each of these lists of zombies. @returns the pids that were reaped at each look. */
function reapedAt(looks: readonly (readonly number[])[]): number[][] {
  let zombies: readonly number[] = []
  let reaped: number[] = []
  const look = reaper(
    () => zombies,
    (pid) => reaped.push(pid),
  )
  return looks.map((each) => {
    zombies = each
    reaped = []
    look()
    return reaped
  })
}

test('a zombie is reaped at the second look, because Bun reaps its own children within one', () => {
  expect(reapedAt([[7], [7], []])).toEqual([[], [7], []])
})

test('a zombie that was gone for a look is another process with the same pid', () => {
  expect(reapedAt([[7], [], [7], [7]])).toEqual([[], [], [], [7]])
})

test('one that cannot be reaped is tried again, and each of several is reaped', () => {
  expect(reapedAt([[7], [7, 8], [7, 8]])).toEqual([[], [7], [7, 8]])
})

test('a process that is not process 1 leaves its children alone, and does not look', () => {
  expect(process.pid).not.toBe(1)
  const script = `
    const { reapOrphans } = await import(${JSON.stringify(`${import.meta.dir}/reap_orphans.ts`)})
    globalThis.setInterval = () => { throw new Error('it looks') }
    reapOrphans()()`
  expect(Bun.spawnSync([process.execPath, '-e', script]).exitCode).toBe(0)
  reapOrphans()()
})
