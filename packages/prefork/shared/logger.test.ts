/** The log of a process: its lines, and what becomes of them when no process reads them any more. */
import { expect, setDefaultTimeout, test } from 'bun:test'

/** Real processes on a machine that may be busy. */
setDefaultTimeout(30_000)

/** A process that logs. */
const logging = (code: string) =>
  Bun.spawn(
    [
      process.execPath,
      '-e',
      `const { createLogger } = await import(${JSON.stringify(`${import.meta.dir}/logger.ts`)}); ${code}`,
    ],
    { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' },
  )

test('a line has the level as a word, the name and the pid, and that of a worker its slot', async () => {
  await using child = logging(`
    createLogger('dogs', 'info').info({ inFlight: 3 }, 'draining')
    createLogger('dogs', 'debug', 2).debug('hello')`)
  const lines = (await new Response(child.stdout).text()).trim().split('\n')
  const [master, worker] = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(master).toEqual({
    level: 'info',
    time: expect.any(Number) as number,
    name: 'dogs',
    pid: child.pid,
    inFlight: 3,
    msg: 'draining',
  })
  expect(worker).toMatchObject({ level: 'debug', worker: 2, msg: 'hello' })
})

test('lines below the level are left out', async () => {
  await using child = logging(`
    const log = createLogger('dogs', 'warn')
    log.info('no')
    log.warn('yes')`)
  expect(await new Response(child.stdout).text()).toMatch(/^\{"level":"warn".*"msg":"yes"\}\n$/)
})

test('lines that no process reads are lost, and the process goes on', async () => {
  await using child = logging(`
    const log = createLogger('dogs', 'info')
    process.stdin.once('data', async () => {
      for (let turn = 0; turn < 5; turn++) {
        log.info('lost')
        await Bun.sleep(1)
      }
      process.exit(7)
    })`)
  await child.stdout.cancel()
  child.stdin.write('go\n')
  await child.stdin.flush()
  expect(await child.exited).toBe(7)
  expect(await new Response(child.stderr).text()).toBe('')
})

test('loggers of one process share one listener', () => {
  const script = `
    const { createLogger } = await import(${JSON.stringify(`${import.meta.dir}/logger.ts`)})
    const before = process.stdout.listenerCount('error')
    for (let count = 0; count < 20; count++) createLogger('dogs', 'info')
    process.exit(process.stdout.listenerCount('error') - before)`
  expect(Bun.spawnSync([process.execPath, '-e', script]).exitCode).toBe(1)
})
