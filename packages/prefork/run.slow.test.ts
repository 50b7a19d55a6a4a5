/** The life of a cluster from its configuration to its end, as one process and with workers. */
import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { readFileSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { EXIT } from './shared/exit_codes.ts'
import { readListenQueue } from './shared/procfs.ts'
import { automaticWorkers } from './shared/parallelism.ts'
import { gone, sumOf, temporaryFolder, Toys } from './testdata/toys.ts'

/** Real processes on a machine that may be busy. */
setDefaultTimeout(120_000)

/** A signal that was sent to a process and has not interrupted it yet (proc_pid_status(5)). */
const hasPendingSignal = (pid: number): boolean =>
  !/^ShdPnd:\s*0+$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))

describe.each([0, 2])('with WORKERS=%d', (workers) => {
  const toys = (env: Record<string, string> = {}) => new Toys({ TOYS_WORKERS: String(workers), ...env })

  test('a cluster has one port for traffic and another for the admin server', async () => {
    await using cluster = toys()
    const { url, admin } = await cluster.ready()
    expect(await (await fetch(url)).text()).toBe('toy')
    expect((await fetch(`${url}/stats`)).headers.get('content-type')).not.toBe('application/json')
    expect((await fetch(`${admin}/readyz`)).status).toBe(200)
    const page = await cluster.page()
    expect(page).toContain('app_info{name="toys",version="1.0.0"')
    expect(page).toContain('http_server_request_duration_seconds_count{http_request_method="GET"')
    const stats = await cluster.stats()
    expect(stats).toMatchObject({ name: 'toys', pid: cluster.pid })
    expect(stats.sockets[0]!.name).toBe(new URL(url).host)
    expect(stats.workers).toHaveLength(Math.max(1, workers))
    expect(stats.workers[0]).toMatchObject({ id: 1, in_flight: 0, state: 'ready', respawn_count: 1 })
    expect(stats.workers.reduce((sum, { requests }) => sum + requests, 0)).toBe(2)
    for (const { rss, pid } of stats.workers) {
      expect(rss).toBeGreaterThan(1_000_000)
      expect(pid === cluster.pid).toBe(workers === 0)
    }
  })

  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s lets requests in flight finish, and then ends with 0',
    async (signal) => {
      await using cluster = toys()
      const { url } = await cluster.ready()
      const slow = fetch(`${url}/slow`)
      await cluster.line('asked /slow')
      cluster.signal(signal)
      expect(await cluster.line('draining')).toMatchObject({ signal, inFlight: 1 })
      await cluster.release()
      expect(await (await slow).text()).toBe('toy')
      expect(await cluster.exit()).toBe(EXIT.ok)
      expect(cluster.lines('requests were cut off')).toEqual([])
      expect(cluster.lines('stopped')).toHaveLength(1)
    },
  )

  test('one press of Ctrl+C that arrives twice, as under `bun run`, lets requests in flight finish', async () => {
    const pressed = async () => {
      await using cluster = toys()
      const { url } = await cluster.ready()
      const slow = fetch(`${url}/slow`).then(
        (response) => response.text(),
        () => 'cut off',
      )
      await cluster.line('asked /slow')
      cluster.signal('SIGINT')
      // The kernel would make one of two that are pending.
      while (hasPendingSignal(cluster.pid)) await Bun.sleep(0)
      cluster.signal('SIGINT')
      while (hasPendingSignal(cluster.pid)) await Bun.sleep(0)
      // The event loop takes the signal before the second request.
      for (let request = 0; request < 2; request++) await cluster.stats()
      await cluster.release()
      return await slow
    }
    // On a busy machine the second signal may come late enough to be another press.
    let answer = ''
    for (let tries = 0; tries < 3 && answer !== 'toy'; tries++) answer = await pressed()
    expect(answer).toBe('toy')
  })

  test('after SIGTERM it accepts new connections for as long as the lame duck, and says close in each response', async () => {
    await using cluster = toys({ TOYS_LAME_DUCK_MS: '600000' })
    const { url } = await cluster.ready()
    cluster.signal('SIGTERM')
    await cluster.line('draining')
    // A balancer needs some looks to notice.
    for (let request = 0; request < 5; request++) {
      let response = await fetch(url, { keepalive: false })
      // Its worker may not have its order yet.
      while (response.headers.get('connection') !== 'close') response = await fetch(url, { keepalive: false })
      expect(response.status).toBe(200)
    }
    cluster.signal('SIGQUIT')
    expect(await cluster.exit()).toBe(EXIT.ok)
  })

  test('after SIGINT there is no lame duck: no balancer has to notice', async () => {
    await using cluster = toys({ TOYS_LAME_DUCK_MS: '600000' })
    await cluster.ready()
    cluster.signal('SIGINT')
    // The time limit of this test is shorter than the lame duck.
    expect(await cluster.exit()).toBe(EXIT.ok)
    expect(cluster.lines('requests were cut off')).toEqual([])
  })

  test('while it drains it is alive and not ready', async () => {
    await using cluster = toys()
    const { url, admin } = await cluster.ready()
    const never = fetch(`${url}/never`).catch(() => 'cut off')
    await cluster.line('asked /never')
    cluster.signal('SIGTERM')
    await cluster.line('draining')
    expect((await fetch(`${admin}/healthz`)).status).toBe(200)
    const response = await fetch(`${admin}/readyz`)
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ detail: 'toys is stopping' })
    cluster.signal('SIGQUIT')
    expect(await never).toBe('cut off')
    expect(await cluster.exit()).toBe(EXIT.ok)
  })

  test('an app that cannot take traffic is not ready, for its own reason', async () => {
    await using cluster = toys({ TOY_NOT_READY: 'the disk is gone' })
    const response = await fetch(`${(await cluster.ready()).admin}/readyz`)
    expect([response.status, await response.json()]).toMatchObject([503, { detail: 'the disk is gone' }])
  })

  test('a request that does not end is cut off when the drain time is over, and the log says so', async () => {
    await using cluster = toys({ TOYS_DRAIN_MS: '50', TOYS_LAME_DUCK_MS: '50' })
    const { url } = await cluster.ready()
    const never = fetch(`${url}/never`).catch(() => 'cut off')
    await cluster.line('asked /never')
    cluster.signal('SIGTERM')
    expect(await cluster.line('requests were cut off')).toMatchObject({ inFlight: 1 })
    expect(await never).toBe('cut off')
    expect(await cluster.exit()).toBe(EXIT.ok)
  })

  test('a second signal ends the drain at once', async () => {
    await using cluster = toys({ TOYS_DRAIN_MS: '600000' })
    const { url } = await cluster.ready()
    const never = fetch(`${url}/never`).catch(() => 'cut off')
    await cluster.line('asked /never')
    cluster.signal('SIGTERM')
    await cluster.line('draining')
    cluster.signal('SIGTERM')
    // The time limit of this test is shorter than the drain time.
    expect(await cluster.line('requests were cut off')).toMatchObject({ inFlight: 1 })
    expect(await never).toBe('cut off')
    expect(await cluster.exit()).toBe(EXIT.ok)
  })

  test.each([
    ['/throw', 'an error was not caught: thrown later'],
    ['/reject', 'a promise was rejected and no code handled it: rejected'],
  ])('an error that no code catches ends the process of its request (%s)', async (path, message) => {
    await using cluster = toys()
    const { url } = await cluster.ready()
    const response = fetch(url + path).catch(() => 'cut off')
    const line = await cluster.line(message)
    expect(line).toMatchObject({ level: 'error', latest: { route: path }, err: { type: 'Error' } })
    expect(await response).toBe('cut off')
    if (workers === 0) return void expect(await cluster.exit()).toBe(EXIT.crashed)
    expect([1, 2]).toContain(line.worker as number)
    const { workers: after } = await cluster.until(
      'a new worker',
      (stats) =>
        stats.workers.every(({ accepting }) => accepting === 1) &&
        stats.workers.some(({ exits }) => exits.crash),
    )
    expect(after.reduce((sum, { exits }) => sum + exits.crash!, 0)).toBe(1)
    expect(sumOf(await cluster.page(), 'http_server_abandoned_requests_total')).toBe(1)
    expect(await (await fetch(url)).text()).toBe('toy')
  })

  test('an error in a handler of signals ends the cluster, and no worker is left', async () => {
    await using cluster = toys({ TOY_HANDLER: 'throws' })
    await cluster.ready()
    const pids = await cluster.pids()
    cluster.signal('SIGUSR2')
    expect(await cluster.line('an error was not caught: in a handler of signals')).toMatchObject({
      level: 'error',
      pid: cluster.pid,
    })
    expect(await cluster.exit()).toBe(EXIT.crashed)
    await gone(pids)
  })

  test('the app closes its resources once, and is waited for', async () => {
    await using cluster = toys({ TOY_CLOSE: '50' })
    const { url } = await cluster.ready()
    await fetch(url)
    cluster.signal('SIGTERM')
    expect(await cluster.exit()).toBe(EXIT.ok)
    const times = Math.max(1, workers)
    expect(cluster.printed.filter((line) => line === 'closing')).toHaveLength(times)
    expect(cluster.printed.filter((line) => line === 'closed')).toHaveLength(times)
  })

  test('an app that does not close in time ends with the drain time', async () => {
    await using cluster = toys({ TOY_CLOSE: '600000', TOYS_DRAIN_MS: '200' })
    await cluster.ready()
    cluster.signal('SIGTERM')
    // The time limit of this test is shorter than the time that the app takes.
    expect(await cluster.exit()).toBe(EXIT.ok)
    expect(cluster.lines('requests were cut off')).toEqual([])
  })

  test('an error while the app closes is logged', async () => {
    await using cluster = toys({ TOY_CLOSE: '' })
    await cluster.ready()
    cluster.signal('SIGTERM')
    expect(await cluster.exit()).toBe(workers === 0 ? EXIT.crashed : EXIT.ok)
    await cluster.line('the app could not close its resources: the disk is full')
  })

  test('signals that are meant for other servers do not end it', async () => {
    await using cluster = toys()
    const { url } = await cluster.ready()
    const signals = ['SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGURG'] as const
    const before = await cluster.pids()
    for (const signal of workers === 0 ? ([...signals, 'SIGHUP'] as const) : signals) {
      cluster.signal(signal)
      if (signal !== 'SIGWINCH' && signal !== 'SIGURG') await cluster.line(`${signal} has no effect`)
      for (const pid of before) process.kill(pid, signal === 'SIGHUP' ? 'SIGUSR1' : signal)
    }
    expect(await (await fetch(url)).text()).toBe('toy')
    expect(await cluster.pids()).toEqual(before)
    cluster.signal('SIGTERM')
    expect(await cluster.exit()).toBe(EXIT.ok)
  })

  test.each([
    ['HOST', 'example.invalid'],
    ['ADMIN_HOST', 'example.invalid'],
    ['HOST', '256.1.1.1'],
    ['HOST', '192.0.2.1'],
    ['ADMIN_HOST', '192.0.2.1'],
  ])(
    '%s=%s is no address of this machine: one line names the variable, with exit code 3',
    async (name, host) => {
      await using cluster = toys({ [`TOYS_${name}`]: host })
      expect(await cluster.exit()).toBe(EXIT.couldNotStart)
      expect(await cluster.line(host)).toMatchObject({
        level: 'fatal',
        msg: expect.stringMatching(
          new RegExp(`^${host}:\\d+ is no address of this machine: set TOYS_${name}$`),
        ),
      })
      expect(await cluster.stderr).toBe('')
      expect(cluster.printed).toEqual([])
    },
  )

  test('bad addresses are problems of the configuration, with exit code 2', async () => {
    await using cluster = toys({
      TOYS_HOST: '[::1]',
      TOYS_PORT: '9000',
      TOYS_ADMIN_PORT: '9000',
      TOYS_ADMIN_HOST: '0.0.0.0',
    })
    expect(await cluster.exit()).toBe(EXIT.badConfig)
    expect(await cluster.stderr).toBe(
      'toys: the configuration is wrong\n' +
        '  TOYS_HOST="[::1]" is not allowed: must be an address (IPv6 without brackets) or a host name\n' +
        '  TOYS_PORT and TOYS_ADMIN_PORT are both 9000: set one to another port\n',
    )
  })

  test('the variables of a Kubernetes Service of its name are ignored with one line', async () => {
    await using cluster = toys({
      TOYS_PORT: 'tcp://10.0.0.1:80',
      TOYS_SERVICE_HOST: '10.0.0.1',
      TOYS_SERVICE_PORT: '80',
    })
    const { url } = await cluster.ready()
    expect(await (await fetch(url)).text()).toBe('toy')
    const lines = cluster.lines('TOYS_')
    expect(lines).toHaveLength(1)
    for (const name of ['TOYS_PORT', 'TOYS_SERVICE_HOST', 'TOYS_SERVICE_PORT', 'enableServiceLinks: false'])
      expect(lines[0]!.msg).toContain(name)
  })

  test('it listens on IPv6, and its URLs have brackets', async () => {
    await using cluster = toys({ TOYS_HOST: '::1', TOYS_ADMIN_HOST: '::1' })
    const { url } = await cluster.ready()
    expect(await (await fetch(url)).text()).toBe('toy')
    expect((await cluster.stats()).sockets[0]!.name).toBe(new URL(url).host)
  })

  test('a folder of sockets that a cluster of the same name uses is refused, and left as it is', async () => {
    const folder = temporaryFolder()
    const path = join(folder, `toys.${hostname()}.1.sock`)
    await using cluster = toys({ TOYS_SOCKET_DIR: folder })
    await cluster.ready()
    await using second = toys({ TOYS_SOCKET_DIR: folder })
    expect(await second.exit()).toBe(EXIT.couldNotStart)
    await second.line(`${folder} cannot hold sockets: another toys serves there: stop it, or set SOCKET_DIR`)
    expect(await (await fetch('http://localhost/', { unix: path, keepalive: false })).text()).toBe('toy')
    const pids = await cluster.pids()
    cluster.signal('SIGKILL')
    await cluster.exit()
    await gone(pids)
    await using next = toys({ TOYS_SOCKET_DIR: folder })
    await next.ready()
  })

  test('it ends with 0 after its folder of sockets was removed', async () => {
    const folder = temporaryFolder()
    await using cluster = toys({ TOYS_SOCKET_DIR: folder })
    await cluster.ready()
    rmSync(folder, { recursive: true })
    cluster.signal('SIGTERM')
    expect(await cluster.exit()).toBe(EXIT.ok)
    expect(await cluster.stderr).toBe('')
  })

  test('all problems of a configuration are printed, with exit code 2', async () => {
    await using cluster = toys({ TOYS_PORT: 'x', TOYS_HSOT: 'y' })
    expect(await cluster.exit()).toBe(EXIT.badConfig)
    expect(await cluster.stderr).toBe(
      'toys: the configuration is wrong\n' +
        '  TOYS_PORT="x" is not allowed: must be an integer from 0 to 65535\n' +
        '  TOYS_HSOT is not a setting: did you mean TOYS_HOST?\n',
    )
  })

  test.each(['PORT', 'ADMIN_PORT'])('a taken %s is named, with exit code 3', async (name) => {
    using taken = Bun.serve({ hostname: '127.0.0.1', port: 0, reusePort: true, fetch: () => new Response() })
    await using cluster = toys({ [`TOYS_${name}`]: String(taken.port) })
    expect(await cluster.exit()).toBe(EXIT.couldNotStart)
    await cluster.line(
      `port ${taken.port} is taken: stop what listens on 127.0.0.1:${taken.port} or set TOYS_${name} ` +
        `(process ${process.pid} listens there: `,
    )
  })

  test('a cluster that shares its port is replaced by another one without a failed request', async () => {
    await using old = toys({ TOYS_SHARE_PORT: 'yes', TOYS_LAME_DUCK_MS: '300' })
    const { url } = await old.ready()
    const { port } = new URL(url)
    let answered = 0
    const over = new AbortController()
    const client = async () => {
      // Each request has a connection of its own, so that it reaches either cluster.
      for (; !over.signal.aborted; answered++)
        expect((await fetch(url, { keepalive: false })).status).toBe(200)
    }
    const clients = Promise.all(Array.from({ length: 4 }, client))
    await using next = toys({ TOYS_SHARE_PORT: 'yes', TOYS_PORT: port })
    expect((await next.ready()).url).toBe(url)
    old.signal('SIGTERM')
    expect(await old.exit()).toBe(EXIT.ok)
    over.abort()
    await clients
    expect(answered).toBeGreaterThan(0)
    expect(await (await fetch(url)).text()).toBe('toy')
  })

  test('with a shared port a silent client finds its connection open after the listeners are closed', async () => {
    await using cluster = toys({ TOYS_SHARE_PORT: 'yes', TOYS_LAME_DUCK_MS: '50', TOYS_DRAIN_MS: '600000' })
    const port = await cluster.port()
    const closed = Promise.withResolvers<string>()
    let onAnswer = Promise.withResolvers<string>()
    using socket = await Bun.connect({
      hostname: '127.0.0.1',
      port,
      socket: {
        data: (_, bytes) => onAnswer.resolve(bytes.toString()),
        close: () => closed.resolve('closed'),
      },
    })
    const ask = () => {
      onAnswer = Promise.withResolvers()
      socket.write('GET / HTTP/1.1\r\nHost: test\r\n\r\n')
      return Promise.race([closed.promise, onAnswer.promise])
    }
    expect(await ask()).toStartWith('HTTP/1.1 200 ')
    cluster.signal('SIGTERM')
    while (readListenQueue(port)!.lengths.length > 0) await Bun.sleep(5)
    expect(await ask()).toMatch(/^HTTP\/1.1 200 [^]*^connection: close\r$/im)
    expect(await cluster.exit()).toBe(EXIT.ok)
  })

  test('a port that its holder does not share is named also with SHARE_PORT, with exit code 3', async () => {
    using taken = Bun.serve({ hostname: '127.0.0.1', port: 0, reusePort: false, fetch: () => new Response() })
    await using cluster = toys({ TOYS_PORT: String(taken.port), TOYS_SHARE_PORT: 'yes' })
    expect(await cluster.exit()).toBe(EXIT.couldNotStart)
    const { msg } = await cluster.line(`port ${taken.port} is taken`)
    expect(msg).toContain('set TOYS_PORT')
  })

  test('a failed migration keeps the cluster from serving, with exit code 3', async () => {
    await using cluster = toys({ TOY_MIGRATION: 'broken' })
    expect(await cluster.exit()).toBe(EXIT.couldNotStart)
    await cluster.line('toys could not start: no such table')
  })

  test.each(['SIGTERM', 'SIGINT'] as const)('migrations may finish after %s', async (signal) => {
    await using cluster = toys({ TOY_MIGRATION: 'slow' })
    await cluster.line('migrating')
    cluster.signal(signal)
    expect(await cluster.exit()).toBe(EXIT.ok)
    expect(cluster.printed).toEqual(['prepared'])
    expect(cluster.lines('ready')).toEqual([])
    expect(cluster.lines('the migrations were cut off')).toEqual([])
  })

  test('migrations that take longer than the drain time are cut off', async () => {
    await using cluster = toys({ TOY_MIGRATION: 'endless', TOYS_DRAIN_MS: '300' })
    await cluster.line('migrating')
    cluster.signal('SIGTERM')
    expect(await cluster.exit()).toBe(EXIT.ok)
    expect(await cluster.line('the migrations were cut off')).toMatchObject({ drainMs: 300 })
  })

  test.each(['SIGTERM', 'SIGQUIT'] as const)(
    'a second signal (%s) cuts the migrations off at once',
    async (second) => {
      await using cluster = toys({ TOY_MIGRATION: 'endless', TOYS_DRAIN_MS: '600000' })
      await cluster.line('migrating')
      cluster.signal('SIGTERM')
      await cluster.line('stopping when the migrations are done')
      cluster.signal(second)
      // The time limit of this test is shorter than the drain time.
      expect(await cluster.exit()).toBe(EXIT.ok)
    },
  )
})

test('a worker that stops long after its migrations says nothing of them', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: '1' })
  await cluster.line('ready')
  process.kill((await cluster.line('worker 1 is ready')).workerPid as number, 'SIGTERM')
  await cluster.line('worker 1 ended (signal)')
  expect(cluster.lines('stopping when the migrations are done')).toEqual([])
})

test('WORKERS=auto starts a worker for each processor', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: 'auto' })
  expect(await cluster.line('ready')).toMatchObject({ workers: automaticWorkers() })
  expect((await cluster.stats()).workers).toHaveLength(automaticWorkers())
})

test('one of several workers runs the migrations', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: '4' })
  await cluster.ready()
  expect(cluster.printed.filter((line) => line === 'prepared')).toHaveLength(1)
})
