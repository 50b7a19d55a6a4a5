/** The end of a family: asked for, forced, and when its master is gone. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { gone, Toys } from './testdata/toys.ts'
import { Load } from './testing_load.ts'

/** Real processes on a machine that may be busy. */
setDefaultTimeout(30_000)

const segmentsOf = (pid: number) => readdirSync('/dev/shm').filter((file) => file.endsWith(`-toys-${pid}`))

test('SIGTERM under load: what was accepted is answered, and it ends with 0 within the drain time', async () => {
  await using family = new Toys({ TOYS_WORKERS: '2' })
  const { url } = await family.ready()
  const slow = Array.from({ length: 10 }, () => fetch(`${url}/slow`).then((answer) => answer.text()))
  await family.until(
    'all to be in flight',
    ({ workers }) => workers.reduce((sum, { in_flight }) => sum + in_flight, 0) === 10,
  )
  const load = new Load({ hostname: '127.0.0.1', port: await family.port() }, { connections: 16 })
  await load.more(1000)
  const startedMs = performance.now()
  family.signal('SIGTERM')
  await family.line('draining')
  await family.release()
  expect(await Promise.all(slow)).toEqual(Array.from({ length: 10 }, () => 'toy'))
  expect(await family.exit()).toBe(0)
  expect(performance.now() - startedMs).toBeLessThan(5000)
  await load.stop()
  // Clients that come when nobody listens any more are refused; nobody who was let in is left without an answer.
  expect(load.failures.filter((failure) => !failure.includes('onnect'))).toEqual([])
})

test('nothing is left: no process, no segment', async () => {
  await using family = new Toys({ TOYS_WORKERS: '2' })
  await family.ready()
  expect(segmentsOf(family.pid)).toHaveLength(1)
  const pids = await family.pids()
  family.signal('SIGTERM')
  expect(await family.exit()).toBe(0)
  expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([])
  expect(segmentsOf(family.pid)).toEqual([])
})

test('a master that is killed leaves no orphans: workers answer what they have and end, and the next master cleans up', async () => {
  await using family = new Toys({ TOYS_WORKERS: '2' })
  const { url } = await family.ready()
  const pids = await family.pids()
  const slow = fetch(`${url}/slow`).then((answer) => answer.text())
  await family.line('asked /slow')
  family.signal('SIGKILL')
  expect(await family.exit()).toBe('SIGKILL')
  await family.release()
  expect(await slow).toBe('toy')
  await gone(pids)
  await using next = new Toys({ TOYS_WORKERS: '1' })
  await next.ready()
  expect(segmentsOf(family.pid)).toEqual([])
})

test('a worker that is blocked when its master is killed leaves no orphan, either', async () => {
  await using family = new Toys({ TOYS_WORKERS: '1', TOYS_HARAKIRI_MS: '1000' })
  const { url } = await family.ready()
  const pids = await family.pids()
  const blocked = fetch(`${url}/block`).catch(() => 'cut off')
  await family.line('asked /block')
  family.signal('SIGKILL')
  expect(await family.exit()).toBe('SIGKILL')
  expect(await blocked).toBe('cut off')
  await gone(pids)
})

test('it works as process 1 of a container, and ends with 0 on SIGTERM', async () => {
  const { exitCode, stdout } = await runAsFirst()
  expect(stdout).toContain('"pid":1,')
  expect(stdout).toContain('"msg":"stopped"')
  expect(exitCode).toBe(0)
})

/**
 * In a namespace of its own, of processes and of shared memory: whoever is not seen there would be taken for dead, and lose
 * its segment. The first process gets SIGTERM when it is ready.
 */
async function runAsFirst() {
  const alone = ['unshare', '--pid', '--fork', '--mount-proc', 'sh', '-c']
  const ownMemory = 'mount -t tmpfs tmpfs /dev/shm && exec "$0" "$1"'
  const family = Bun.spawn([...alone, ownMemory, process.execPath, `${import.meta.dir}/testdata/family.ts`], {
    env: { ...Bun.env, TOYS_LAME_DUCK_MS: '100' },
    stdout: 'pipe',
    stderr: 'inherit',
  })
  let stdout = ''
  const decoder = new TextDecoder()
  for await (const chunk of family.stdout) {
    stdout += decoder.decode(chunk, { stream: true })
    if (!stdout.includes('"msg":"ready"') || stdout.includes('draining')) continue
    const [first] = (await Bun.file(`/proc/${family.pid}/task/${family.pid}/children`).text())
      .trim()
      .split(' ')
    process.kill(Number(first), 'SIGTERM')
  }
  return { exitCode: await family.exited, stdout }
}

test('no room for the segment is said at the start, with what is needed, and exit code 3', async () => {
  await using family = new Toys({
    TOYS_METRICS_BYTES_PER_WORKER: String(2 ** 30),
    TOYS_MAX_WORKERS: '1000',
  })
  expect(await family.exit()).toBe(3)
  const { msg } = await family.line('no room for the metrics segment')
  expect(msg).toContain('make room there, or use fewer workers or less memory for each')
})

test('a segment that somebody removed ends the family when its last worker is gone, with the reason and exit code 3', async () => {
  await using family = new Toys({ TOYS_WORKERS: '2' })
  await family.ready()
  const [segment] = segmentsOf(family.pid)
  rmSync(join('/dev/shm', segment!))
  for (const pid of await family.pids()) process.kill(pid, 'SIGKILL')
  expect(await family.exit()).toBe(3)
  await family.line(`toys could not start: /dev/shm/${segment} cannot be read`)
})

test('a socket folder that cannot be one is said at the start', async () => {
  await using family = new Toys({ TOYS_SOCKET_DIR: '/proc/nowhere' })
  expect(await family.exit()).toBe(3)
  await family.line('/proc/nowhere cannot hold sockets')
})
