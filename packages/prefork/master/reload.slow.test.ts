/** Rolling reload: connections that wait, clients that are silent, and new code under load without a failed request. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync, readdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { readListenQueue, readMigratesRequests } from '../shared/procfs.ts'
import { codeIn, gone, temporaryFolder, Toys } from '../testdata/toys.ts'
import { Load, METHODS } from '../testing_load.ts'

const TIMES = 10
/** Fewer reloads do where the machine is too busy for all of them. */
const ENOUGH_AFTER_MS = 60_000

/** Real processes on a machine that may be busy. */
setDefaultTimeout(120_000)

test.each(['the port', 'the socket of its slot'])(
  'a silent client on %s finds its connection open after the lame duck, and its next response says close',
  async (place) => {
    const folder = temporaryFolder()
    const env = { TOYS_WORKERS: '1', TOYS_LAME_DUCK_MS: '50', TOYS_SOCKET_DIR: folder }
    await using cluster = new Toys(env, folder)
    const port = await cluster.port()
    const unix = join(folder, `toys.${hostname()}.1.sock`)
    const answers: string[] = []
    const closed = Promise.withResolvers<void>()
    let onAnswer = Promise.withResolvers<void>()
    const socket = await Bun.connect({
      ...((place === 'the port' ? { hostname: '127.0.0.1', port } : { unix }) as { unix: string }),
      socket: {
        data(_, bytes) {
          answers.push(bytes.toString())
          onAnswer.resolve()
        },
        close: () => closed.resolve(),
      },
    })
    const ask = () => {
      onAnswer = Promise.withResolvers()
      socket.write('GET / HTTP/1.1\r\nHost: test\r\n\r\n')
      return onAnswer.promise
    }
    await ask()
    const [before] = await cluster.pids()
    cluster.signal('SIGHUP')
    await cluster.line('reloaded')
    await cluster.until('the lame duck to be over', ({ workers }) => workers[0]!.accepting === 1)
    // Longer than the lame duck: the old worker waits for this connection, and for nothing else.
    const startedMs = performance.now()
    while (performance.now() - startedMs < 300) await cluster.stats()
    expect(existsSync(`/proc/${before}`)).toBe(true)
    await ask()
    expect(answers.map((answer) => /^connection: close/im.test(answer))).toEqual([false, true])
    await closed.promise
    await gone([before!])
  },
)

test('a WebSocket and an idle client neither keep the old code in service nor delay the next reload', async () => {
  // The drain time is longer than the time limit of this test.
  await using cluster = new Toys({ TOYS_WORKERS: '1', TOYS_LAME_DUCK_MS: '100', TOYS_DRAIN_MS: '600000' })
  const { url } = await cluster.ready()
  const [first] = await cluster.pids()
  const freshPid = async () => Number((await fetch(url, { keepalive: false })).headers.get('x-pid'))
  const socket = await openSocket(url)
  await using idle = await Bun.connect({
    hostname: '127.0.0.1',
    port: await cluster.port(),
    socket: { data() {} },
  })
  idle.write('GET / HTTP/1.1\r\nHost: test\r\n\r\n')
  cluster.signal('SIGHUP')
  await cluster.line('reloaded')
  const [second] = await cluster.pids()
  while (readListenQueue(await cluster.port())!.lengths.length > 1) await Bun.sleep(5)

  // The old worker is there, for its clients alone.
  expect(existsSync(`/proc/${first}`)).toBe(true)
  expect(await socket.ask('hello')).toBe(`${first} hello`)
  for (let connection = 0; connection < 30; connection++) expect(await freshPid()).toBe(second!)
  const later = await openSocket(url)
  expect(await later.ask('hello')).toBe(`${second} hello`)

  cluster.signal('SIGHUP')
  await cluster.until('the second reload', ({ reloads }) => reloads === 2)
  await gone([first!])
  expect(await later.ask('still there')).toBe(`${second} still there`)
  expect(cluster.lines('requests were cut off')).toEqual([])
})

test('a request in flight in the worker of two reloads ago gets its response', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: '1', TOYS_LAME_DUCK_MS: '50', TOYS_DRAIN_MS: '20000' })
  const { url } = await cluster.ready()
  const slow = fetch(`${url}/slow`).then((response) => response.text())
  const socket = await openSocket(url)
  await cluster.line('asked /slow')
  cluster.signal('SIGHUP')
  await cluster.until('the first reload', ({ reloads }) => reloads === 1)
  cluster.signal('SIGHUP')
  await cluster.until('the second reload to begin', () => cluster.lines('reloading').length === 2)
  expect((await cluster.stats()).reloads).toBe(1)
  await cluster.release()
  expect(await slow).toBe('toy')
  await socket.closed
  await cluster.until('the second reload', ({ reloads }) => reloads === 2)
})

test('a worker that gets SIGTERM from outside accepts until its successor is ready', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: '1', TOYS_LAME_DUCK_MS: '1', TOY_BOOT_MS: '500' })
  const { url } = await cluster.ready()
  const [first] = await cluster.pids()
  process.kill(first!, 'SIGTERM')
  const pids = new Set<number | undefined>()
  while (!pids.has((await cluster.pids())[0]) || pids.size < 2) {
    pids.add(Number((await fetch(url, { keepalive: false })).headers.get('x-pid')))
  }
  expect(pids).toContain(first)
  await gone([first!])
})

/** A WebSocket to the cluster, which answers each message with the worker's pid and the message. */
async function openSocket(url: string) {
  const socket = new WebSocket(url.replace('http', 'ws'))
  const event = (type: 'open' | 'close') =>
    new Promise<void>((resolve) => socket.addEventListener(type, () => resolve()))
  await event('open')
  return {
    closed: event('close'),
    ask(text: string): Promise<string> {
      socket.send(text)
      return new Promise((resolve) =>
        socket.addEventListener('message', ({ data }) => resolve(data), { once: true }),
      )
    },
  }
}

test('a reload whose new worker cannot boot is abandoned with the reason, and the old workers go on', async () => {
  const folder = temporaryFolder()
  const code = codeIn(folder)
  await code.write('good')
  await using cluster = new Toys({ TOYS_WORKERS: '2', TOY_CODE: code.path }, folder)
  const { url, admin } = await cluster.ready()
  const before = await cluster.pids()
  await using load = new Load(
    { hostname: '127.0.0.1', port: await cluster.port() },
    { connections: 8, methods: METHODS },
  )
  await code.break()
  cluster.signal('SIGHUP')
  const { msg } = await cluster.line('the reload is abandoned')
  expect(msg).toContain('broken on purpose')
  expect(await cluster.stats()).toMatchObject({ reloads: 0, reloads_failed: 1 })
  expect(await cluster.pids()).toEqual(before)
  expect((await fetch(`${admin}/readyz`)).status).toBe(200)
  expect(await (await fetch(url)).text()).toBe('good')

  await code.write('mended')
  cluster.signal('SIGHUP')
  await cluster.line('reloaded')
  await gone(before)
  expect(await (await fetch(url)).text()).toBe('mended')
  expect(await cluster.stats()).toMatchObject({ reloads: 1, reloads_failed: 1 })
  await load.stop()
  expect(load.failures).toEqual([])
})

test('SIGTTIN and SIGTTOU make a worker more and a worker less, and no request fails', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: '1', TOYS_MAX_WORKERS: '2' })
  const port = await cluster.port()
  await using load = new Load({ hostname: '127.0.0.1', port }, { connections: 8, methods: METHODS })
  const accepting = (count: number) =>
    cluster.until(
      `${count} workers`,
      ({ workers }) =>
        workers.filter((worker) => worker.accepting).length === count && workers.length === count,
    )
  cluster.signal('SIGTTIN')
  await accepting(2)
  cluster.signal('SIGTTIN')
  await cluster.line('scaling ends here: 1 to 2 workers')
  cluster.signal('SIGTTOU')
  await accepting(1)
  cluster.signal('SIGTTOU')
  await cluster.until('the refusal', () => cluster.lines('scaling ends here').length === 2)
  await load.stop()
  expect(load.failures).toEqual([])
})

test('that a reload may lose connections is logged at the first one, with the remedy, and not at the start', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: '1' })
  await cluster.ready()
  const lines = () => cluster.lines('a reload may delay new connections')
  expect(lines()).toEqual([])
  for (const count of [1, 2]) {
    cluster.signal('SIGHUP')
    await cluster.until('the reload', ({ reloads }) => reloads === count)
  }
  // Stats may be read before the lines that were written earlier.
  await cluster.until('the last line', () => cluster.lines('reloaded').length === 2)
  // A kernel that moves such connections to another worker loses none.
  const isAtRisk = readMigratesRequests() === false
  expect(lines()).toHaveLength(isAtRisk ? 1 : 0)
  for (const { msg } of lines()) expect(msg).toContain('sysctl -w net.ipv4.tcp_migrate_req=1')
})

test('sockets of slots follow their workers, and are gone with the cluster', async () => {
  const folder = temporaryFolder()
  const stale = join(folder, `toys.${hostname()}.7.sock`)
  const others = join(folder, `cats.${hostname()}.1.sock`)
  await Promise.all([Bun.write(stale, ''), Bun.write(others, '')])
  await using cluster = new Toys({ TOYS_WORKERS: '2', TOYS_SOCKET_DIR: folder }, folder)
  await cluster.ready()
  const sockets = () =>
    readdirSync(folder)
      .filter((file) => file.endsWith('.sock'))
      .toSorted()
  const own = [1, 2].map((slot) => `toys.${hostname()}.${slot}.sock`)
  expect(sockets()).toEqual([`cats.${hostname()}.1.sock`, ...own])
  for (const [index, name] of own.entries()) {
    const answer = await fetch('http://localhost/', { unix: join(folder, name) })
    expect(answer.headers.get('x-worker')).toBe(String(index + 1))
  }
  cluster.signal('SIGTTOU')
  await cluster.line('scaling')
  while (sockets().includes(own[1]!)) await Bun.sleep(5)
  expect(sockets()).toEqual([`cats.${hostname()}.1.sock`, own[0]!])
  cluster.signal('SIGTERM')
  await cluster.exit()
  expect(readdirSync(folder).filter((file) => file.includes('toys'))).toEqual([])
})

test.each(['port', 'sockets'] as const)(
  `up to ${TIMES} reloads under load over the %s of the workers: no request fails, the new code answers, each request is counted`,
  async (way) => {
    const folder = temporaryFolder()
    const code = codeIn(folder)
    await code.write('version 0')
    await using cluster = new Toys(
      {
        TOYS_WORKERS: '2',
        TOY_CODE: code.path,
        TOYS_LAME_DUCK_MS: '300',
        ...(way === 'sockets' ? { TOYS_SOCKET_DIR: folder } : {}),
      },
      folder,
    )
    const port = await cluster.port()
    const targets =
      way === 'port'
        ? [{ hostname: '127.0.0.1', port }]
        : [1, 2].map((slot) => ({ unix: join(folder, `toys.${hostname()}.${slot}.sock`) }))
    const loads = targets.map(
      (target) => new Load(target, { connections: 32 / targets.length, methods: METHODS }),
    )
    const answered = () => loads.reduce((sum, load) => sum + load.answered, 0)
    const startedMs = performance.now()
    let round = 0
    while (round < TIMES && (round < 2 || performance.now() - startedMs < ENOUGH_AFTER_MS)) {
      round++
      const before = await cluster.pids()
      await code.write(`version ${round}`)
      cluster.signal('SIGHUP')
      await cluster.until(`reload ${round}`, ({ reloads }) => reloads === round, ENOUGH_AFTER_MS)
      await gone(before)
      const after = await cluster.pids()
      expect(after.filter((pid) => before.includes(pid))).toEqual([])
      const bodies = new Map(loads.flatMap((load) => [...load.bodies]))
      await Promise.all(loads.map((load) => load.more(200)))
      for (const load of loads) expect(load.bodies.get(`version ${round}`) ?? 0).toBeGreaterThan(0)
      expect([...bodies.keys()].every((body) => /^version \d+$/.test(body))).toBe(true)
    }
    await Promise.all(loads.map((load) => load.stop()))
    expect(loads.flatMap((load) => load.failures)).toEqual([])
    expect(await cluster.counted()).toBe(answered())
    console.log(`over the ${way}: ${answered()} requests, ${round} reloads`)
  },
  5 * ENOUGH_AFTER_MS,
)
