/** The end of a cluster: ordered, forced, and after its master was killed. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StatsDocument } from '../admin/stats_document.ts'
import { childrenOf, isZombie } from '../shared/procfs.ts'
import { linesOf } from '../shared/split_lines.ts'
import { Container, gone, temporaryFolder, Toys } from '../testdata/toys.ts'
import { freePort } from '../testing.ts'
import { Load } from '../testing_load.ts'

/** Real processes on a machine that may be busy. */
setDefaultTimeout(120_000)

/** For tests with many workers. */
const MANY_WORKERS_MS = 120_000

const segmentsOf = (pid: number) => readdirSync('/dev/shm').filter((file) => file.endsWith(`-toys-${pid}`))

test('SIGTERM under load: accepted requests are answered, and the cluster ends with 0 within the drain time', async () => {
  // Longer than the time limit of this test.
  await using cluster = new Toys({ TOYS_WORKERS: '2', TOYS_DRAIN_MS: '600000' })
  const { url } = await cluster.ready()
  const slow = Array.from({ length: 10 }, () => fetch(`${url}/slow`).then((answer) => answer.text()))
  await cluster.until(
    'all to be in flight',
    ({ workers }) => workers.reduce((sum, { in_flight }) => sum + in_flight, 0) === 10,
  )
  const load = new Load({ hostname: '127.0.0.1', port: await cluster.port() }, { connections: 16 })
  await load.more(1000)
  cluster.signal('SIGTERM')
  await cluster.line('draining')
  await cluster.release()
  expect(await Promise.all(slow)).toEqual(Array.from({ length: 10 }, () => 'toy'))
  expect(await cluster.exit()).toBe(0)
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

test('workers whose master was killed are no lame ducks: the next master can take the port', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: '2', TOYS_LAME_DUCK_MS: '600000' })
  const port = await cluster.port()
  const pids = await cluster.pids()
  cluster.signal('SIGKILL')
  expect(await cluster.exit()).toBe('SIGKILL')
  // The time limit of this test is shorter than the lame duck.
  await gone(pids)
  await using next = new Toys({ TOYS_PORT: String(port) })
  await next.ready()
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

test('a worker that is stopped (SIGSTOP) when its master is killed does not survive', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: '2', TOYS_HARAKIRI_MS: '0' })
  const port = await cluster.port()
  const pids = await cluster.pids()
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
  cluster.signal('SIGKILL')
  expect(await cluster.exit()).toBe('SIGKILL')
  await gone(pids)
  await using next = new Toys({ TOYS_PORT: String(port) })
  await next.ready()
})

test('a cluster works as process 1 of a container, and ends with 0 on SIGTERM', async () => {
  await using cluster = new Container({}, 'size=100m')
  expect(await cluster.line('ready')).toMatchObject({ pid: 1 })
  cluster.signal('SIGTERM')
  expect(await cluster.exit()).toBe(0)
  await cluster.line('stopped')
})

test.each(['0', '1'])(
  'process 1 reaps orphans (WORKERS=%s), and leaves its own children to Bun',
  async (workers) => {
    await using cluster = new Container({ TOYS_WORKERS: workers })
    const { url } = await cluster.ready()
    await Promise.all(Array.from({ length: 5 }, () => fetch(`${url}/orphan`)))
    // Read from outside the namespace, where the pids are others.
    const zombies = () => childrenOf(cluster.first).filter(isZombie)
    await cluster.until('the orphans to become zombies', () => zombies().length > 0)
    await cluster.until('the zombies to be reaped', () => zombies().length === 0)
    expect(await (await fetch(`${url}/orphan`)).text()).toBe('toy')
    if (workers === '1') {
      await fetch(`${url}/exit`).catch(() => {})
      await cluster.until(
        'a new worker',
        ({ workers: [worker] }) => worker!.exits.crash === 1 && worker!.accepting === 1,
      )
    }
    cluster.signal('SIGTERM')
    expect(await cluster.exit()).toBe(0)
  },
)

test('a cluster whose standard output is closed serves on, reloads and drains', async () => {
  const [port, adminPort] = [freePort(), freePort()]
  const cluster = Bun.spawn({
    cmd: [
      'sh',
      '-c',
      '"$0" "$1" | head -n 1',
      process.execPath,
      join(import.meta.dir, '../testdata/cluster.ts'),
    ],
    env: {
      ...Bun.env,
      TOYS_PORT: `${port}`,
      TOYS_ADMIN_PORT: `${adminPort}`,
      TOYS_LAME_DUCK_MS: '50',
      TOYS_LOG_LEVEL: 'info',
    },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  try {
    for await (const line of linesOf(cluster.stdout)) {
      expect(line).not.toBe('')
      break
    }
    const url = `http://127.0.0.1:${port}`
    const stats = async () => {
      const response = await fetch(`http://127.0.0.1:${adminPort}/stats`).catch(() => undefined)
      return (await response?.json()) as StatsDocument | undefined
    }
    const until = async (isSo: (document: StatsDocument) => boolean) => {
      for (;;) {
        const document = await stats()
        if (document && isSo(document)) return document
        await Bun.sleep(10)
      }
    }
    const { pid, workers } = await until((each) => each.workers.every(({ accepting }) => accepting === 1))
    // Lines of a worker (asked /throw, its error) and of the master (its end, the next one is ready).
    await fetch(`${url}/throw`).catch(() => {})
    await until(
      (each) =>
        each.workers.every(({ accepting }) => accepting === 1) &&
        each.workers.some(({ exits }) => exits.crash),
    )
    process.kill(pid, 'SIGHUP')
    await until(({ reloads }) => reloads === 1)
    expect(await (await fetch(url)).text()).toBe('toy')
    process.kill(pid, 'SIGTERM')
    await gone([pid, ...workers.map((worker) => worker.pid)])
    expect(await cluster.exited).toBe(0)
    expect(await new Response(cluster.stderr).text()).toBe('')
  } finally {
    // The shell's children: the master does not end with the shell.
    for (const child of childrenOf(cluster.pid)) process.kill(child, 'SIGKILL')
    cluster.kill()
  }
})

test('a segment without room ends the start with the settings to change, and exit code 3', async () => {
  await using cluster = new Toys({
    TOYS_METRICS_BYTES_PER_WORKER: String(2 ** 30),
    TOYS_MAX_WORKERS: '1000',
  })
  expect(await cluster.exit()).toBe(3)
  const { msg } = await cluster.line('no room for the metrics segment')
  for (const name of ['MAX_WORKERS', 'METRICS_BYTES_PER_WORKER', 'METRICS_DIR'])
    expect(msg).toContain(`TOYS_${name}`)
  expect(msg).toContain('shm_size')
})

test('after its segment was removed, new workers boot, and all is counted', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: '2' })
  const { url } = await cluster.ready()
  await fetch(url)
  const [segment] = segmentsOf(cluster.pid)
  rmSync(join('/dev/shm', segment!))
  const before = await cluster.pids()
  for (const pid of before) process.kill(pid, 'SIGKILL')
  await cluster.until('new workers', ({ workers }) =>
    workers.every(({ pid, accepting }) => accepting === 1 && !before.includes(pid)),
  )
  await fetch(url)
  expect(await cluster.counted()).toBe(2)
})

test('METRICS_DIR holds the segment', async () => {
  const folder = temporaryFolder()
  await using cluster = new Toys({ TOYS_WORKERS: '1', TOYS_METRICS_DIR: folder }, folder)
  await cluster.ready()
  expect(readdirSync(folder).filter((file) => file.endsWith(`-toys-${cluster.pid}`))).toHaveLength(1)
  expect(segmentsOf(cluster.pid)).toEqual([])
  cluster.signal('SIGTERM')
  expect(await cluster.exit()).toBe(0)
  expect(readdirSync(folder)).toEqual([])
})

test('a METRICS_DIR that does not exist ends the start, with exit code 3', async () => {
  await using cluster = new Toys({ TOYS_METRICS_DIR: '/nowhere/at/all' })
  expect(await cluster.exit()).toBe(3)
  expect((await cluster.line('/nowhere/at/all cannot hold')).msg).toContain('TOYS_METRICS_DIR')
})

test.each([
  ['64 MiB, as Docker gives', 'size=64m', '8', 'MAX_WORKERS'],
  ['64 MiB, and 40 workers', 'size=64m', '40', 'METRICS_BYTES_PER_WORKER'],
])(
  'a cluster starts with %s of /dev/shm',
  async (_, options, workers) => {
    await using cluster = new Container({ TOYS_WORKERS: workers }, options)
    const { url } = await cluster.ready()
    expect(await (await fetch(url)).text()).toBe('toy')
    expect((await cluster.line('/dev/shm has little room')).msg).toContain('TOYS_METRICS_DIR')
    expect((await cluster.stats()).workers).toHaveLength(Number(workers))
  },
  MANY_WORKERS_MS,
)

test('a cluster starts where /dev/shm cannot be written', async () => {
  await using cluster = new Container({ TOYS_WORKERS: '1' }, 'ro')
  const { url } = await cluster.ready()
  expect(await (await fetch(url)).text()).toBe('toy')
  cluster.signal('SIGTERM')
  expect(await cluster.exit()).toBe(0)
  expect(readdirSync(tmpdir()).filter((file) => file.endsWith('-toys-1'))).toEqual([])
})

test('two clusters in pid namespaces of their own share a folder of segments: both go on', async () => {
  const folder = temporaryFolder()
  const env = { TOYS_METRICS_DIR: folder, TOYS_WORKERS: '1' }
  try {
    await using first = new Container(env)
    const { url } = await first.ready()
    await using second = new Container(env)
    await second.ready()
    expect(readdirSync(folder).filter((file) => file.endsWith('-toys-1'))).toHaveLength(2)
    await fetch(`${url}/exit`).catch(() => {})
    await first.until(
      'a new worker',
      ({ workers }) => workers[0]!.exits.crash === 1 && workers[0]!.accepting === 1,
    )
    expect(await (await fetch(url)).text()).toBe('toy')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('a socket folder that cannot be made ends the start', async () => {
  await using cluster = new Toys({ TOYS_SOCKET_DIR: '/proc/nowhere' })
  expect(await cluster.exit()).toBe(3)
  await cluster.line('/proc/nowhere cannot hold sockets')
})
