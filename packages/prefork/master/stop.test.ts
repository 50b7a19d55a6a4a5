/** The end of a cluster: ordered, forced, and after its master was killed. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { gone, Toys } from '../testdata/toys.ts'
import { Load } from '../testing_load.ts'

/** Real processes on a machine that may be busy. */
setDefaultTimeout(30_000)

const segmentsOf = (pid: number) => readdirSync('/dev/shm').filter((file) => file.endsWith(`-toys-${pid}`))

test('SIGTERM under load: accepted requests are answered, and the cluster ends with 0 within the drain time', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: '2' })
  const { url } = await cluster.ready()
  const slow = Array.from({ length: 10 }, () => fetch(`${url}/slow`).then((answer) => answer.text()))
  await cluster.until(
    'all to be in flight',
    ({ workers }) => workers.reduce((sum, { in_flight }) => sum + in_flight, 0) === 10,
  )
  const load = new Load({ hostname: '127.0.0.1', port: await cluster.port() }, { connections: 16 })
  await load.more(1000)
  const startedMs = performance.now()
  cluster.signal('SIGTERM')
  await cluster.line('draining')
  await cluster.release()
  expect(await Promise.all(slow)).toEqual(Array.from({ length: 10 }, () => 'toy'))
  expect(await cluster.exit()).toBe(0)
  expect(performance.now() - startedMs).toBeLessThan(5000)
  await load.stop()
  // Connections are refused once the port is closed; each accepted request has a response.
  expect(load.failures.filter((failure) => !failure.includes('onnect'))).toEqual([])
})

test('no process and no segment is left', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: '2' })
  await cluster.ready()
  expect(segmentsOf(cluster.pid)).toHaveLength(1)
  const pids = await cluster.pids()
  cluster.signal('SIGTERM')
  expect(await cluster.exit()).toBe(0)
  expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([])
  expect(segmentsOf(cluster.pid)).toEqual([])
})

test('a master that is killed leaves no orphans: workers answer what they have and end, and the next master cleans up', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: '2' })
  const { url } = await cluster.ready()
  const pids = await cluster.pids()
  const slow = fetch(`${url}/slow`).then((answer) => answer.text())
  await cluster.line('asked /slow')
  cluster.signal('SIGKILL')
  expect(await cluster.exit()).toBe('SIGKILL')
  await cluster.release()
  expect(await slow).toBe('toy')
  await gone(pids)
  await using next = new Toys({ TOYS_WORKERS: '1' })
  await next.ready()
  expect(segmentsOf(cluster.pid)).toEqual([])
})

test('a worker that is blocked when its master is killed does not survive', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: '1', TOYS_HARAKIRI_MS: '1000' })
  const { url } = await cluster.ready()
  const pids = await cluster.pids()
  const blocked = fetch(`${url}/block`).catch(() => 'cut off')
  await cluster.line('asked /block')
  cluster.signal('SIGKILL')
  expect(await cluster.exit()).toBe('SIGKILL')
  expect(await blocked).toBe('cut off')
  await gone(pids)
})

test('a cluster works as process 1 of a container, and ends with 0 on SIGTERM', async () => {
  const { exitCode, stdout } = await runAsFirst()
  expect(stdout).toContain('"pid":1,')
  expect(stdout).toContain('"msg":"stopped"')
  expect(exitCode).toBe(0)
})

/**
 * Runs a cluster in its own namespaces of processes and of mounts, with its own /dev/shm. Process 1 gets SIGTERM when it is
 * ready.
 */
async function runAsFirst() {
  const alone = ['unshare', '--pid', '--fork', '--mount-proc', 'sh', '-c']
  const ownMemory = 'mount -t tmpfs tmpfs /dev/shm && exec "$0" "$1"'
  const cluster = Bun.spawn(
    [...alone, ownMemory, process.execPath, `${import.meta.dir}/../testdata/cluster.ts`],
    {
      env: { ...Bun.env, TOYS_LAME_DUCK_MS: '100' },
      stdout: 'pipe',
      stderr: 'inherit',
    },
  )
  let stdout = ''
  const decoder = new TextDecoder()
  for await (const chunk of cluster.stdout) {
    stdout += decoder.decode(chunk, { stream: true })
    if (!stdout.includes('"msg":"ready"') || stdout.includes('draining')) continue
    const [first] = (await Bun.file(`/proc/${cluster.pid}/task/${cluster.pid}/children`).text())
      .trim()
      .split(' ')
    process.kill(Number(first), 'SIGTERM')
  }
  return { exitCode: await cluster.exited, stdout }
}

test('a segment without room ends the start with the size that is needed and exit code 3', async () => {
  await using cluster = new Toys({
    TOYS_METRICS_BYTES_PER_WORKER: String(2 ** 30),
    TOYS_MAX_WORKERS: '1000',
  })
  expect(await cluster.exit()).toBe(3)
  const { msg } = await cluster.line('no room for the metrics segment')
  expect(msg).toContain('make room there, or use fewer workers or less memory for each')
})

test('a removed segment ends the cluster when its last worker has died, with the reason and exit code 3', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: '2' })
  await cluster.ready()
  const [segment] = segmentsOf(cluster.pid)
  rmSync(join('/dev/shm', segment!))
  for (const pid of await cluster.pids()) process.kill(pid, 'SIGKILL')
  expect(await cluster.exit()).toBe(3)
  await cluster.line(`toys could not start: /dev/shm/${segment} cannot be read`)
})

test('a socket folder that cannot be made ends the start', async () => {
  await using cluster = new Toys({ TOYS_SOCKET_DIR: '/proc/nowhere' })
  expect(await cluster.exit()).toBe(3)
  await cluster.line('/proc/nowhere cannot hold sockets')
})
