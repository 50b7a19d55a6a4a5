/** Whether a process lives, and whether it is the same one. */
import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { identityOf, livingPid, startTimeOf } from './identity.ts'
import { readProcStat } from './proc_stat.ts'

test('a process that has ended does not live, also before its parent has waited for it', async () => {
  // `sleep` does not wait for the child that the shell leaves to it.
  const script = 'sleep 60 & echo $! && exec sleep 60'
  await using parent = Bun.spawn(['sh', '-c', script], { stdout: 'pipe' })
  const { value } = await parent.stdout.getReader().read()
  const pid = Number(Buffer.from(value!).toString())
  const identity = identityOf(pid)
  expect(livingPid(identity)).toBe(pid)
  while (readFileSync(`/proc/${parent.pid}/comm`, 'utf8') !== 'sleep\n') await Bun.sleep(1)
  process.kill(pid, 'SIGKILL')
  while (readProcStat(pid)?.state !== 'Z') await Bun.sleep(1)
  expect(startTimeOf(pid)).toBeUndefined()
  expect(livingPid(identity)).toBeUndefined()
})

test('another process with the pid is not the same', () => {
  const startTime = startTimeOf(process.pid)!
  expect(livingPid(identityOf(process.pid, startTime))).toBe(process.pid)
  expect(livingPid(identityOf(process.pid, startTime - 1))).toBeUndefined()
})
