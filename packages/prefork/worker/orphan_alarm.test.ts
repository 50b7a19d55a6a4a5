import { expect, setDefaultTimeout, test } from 'bun:test'

/** Real processes on a machine that may be busy. */
setDefaultTimeout(120_000)

/** A process that sets its alarm and blocks for some seconds. @returns how it ended, and after how many milliseconds. */
async function blocked(harakiriMs: number, seconds: number) {
  const script = `
    const { orphanAlarm } = await import(${JSON.stringify(`${import.meta.dir}/orphan_alarm.ts`)})
    orphanAlarm(${harakiriMs})()
    console.log('set')
    Bun.sleepSync(${seconds * 1000})`
  await using child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe' })
  await child.stdout.getReader().read()
  const setMs = performance.now()
  const code = await child.exited
  return { end: child.signalCode ?? code, ms: performance.now() - setMs }
}

test.concurrent(
  'a process that is blocked is ended two seconds after its harakiri time, in whole seconds',
  async () => {
    const { end, ms } = await blocked(1001, 30)
    expect(end).toBe('SIGALRM')
    expect(ms).toBeGreaterThan(3500)
  },
)

test.concurrent('without a harakiri time it may block', async () => {
  expect((await blocked(0, 3)).end).toBe(0)
})
