import { expect, test } from 'bun:test'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  childrenOf,
  isZombie,
  readConnections,
  readFileLimit,
  parseListeners,
  parseNetstat,
  readListenerProcess,
  readListeners,
  readListenOverflows,
  readListenQueue,
  readMigratesRequests,
  readOomKills,
  readOwnListeners,
  readProcess,
} from './procfs.ts'

const DEAD_PID = 2 ** 22 + 1
const listen = (port = 0, hostname = '127.0.0.1') => {
  // The types have no reusePort; Bun does.
  const options = { hostname, port, reusePort: true, socket: { data() {} } }
  return Bun.listen(options)
}

type Place = { hostname: string; port: number } | { unix: string }

/** A connection, when both ends know of it. */
async function connect(place: Place) {
  const accepted = Promise.withResolvers<void>()
  const server = Bun.listen({
    ...(place as { hostname: string; port: number }),
    socket: { open: () => accepted.resolve(), data() {} },
  })
  const client = await Bun.connect({
    ...(place as { hostname: string; port: number }),
    ...('port' in place ? { port: server.port } : {}),
    socket: { data() {} },
  })
  await accepted.promise
  const close = () => {
    client.end()
    server.stop(true)
  }
  return { port: server.port, close }
}

test('only the listener of the port counts, not its connections', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F41 00000000:0000 0A 00000000:00000004 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:1F41 0100007F:C350 01 00000000:00000009 00:00000000 00000000     0        0 2 1 0 20 4 30 10 -1
   2: 0100007F:1F42 00000000:0000 0A 00000000:00000007 00:00000000 00000000     0        0 3 1 0 100 0 0 10 0
   3: 00000000:1F41 00000000:0000 0A 00000000:0000001A 00:00000000 00000000     0        0 4 1 0 100 0 0 10 0
   4: 00000000:0050 00000000:0000 0A 00000000:00000002 00:00000000 00000000     0        0 5 1 0 100 0 0 10 0`
  expect(parseListeners(table, 8001)).toEqual([4, 26])
  expect(parseListeners(table, 80)).toEqual([2])
  expect(parseListeners(table, 8003)).toEqual([])
})

test('a listener that the kernel lists twice, because a socket was opened meanwhile, is one', () => {
  const row = (inode: number) =>
    `   1: 0100007F:1F41 00000000:0000 0A 00000000:00000004 00:00000000 00000000     0        0 ${inode} 1 0 100 0 0 10 0\n`
  expect(parseListeners(row(7) + row(8) + row(7) + row(8), 8001)).toEqual([4, 4])
})

test('a table is read up to its last listener, also where only listeners are in it', () => {
  const row = (index: number, state: string) =>
    `${String(index).padStart(4)}: 0100007F:1F41 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${index} 1 0 100 0 0 10 0\n`
  const rows = (from: number, count: number, state: string) =>
    Array.from({ length: count }, (_, index) => row(from + index, state)).join('')
  const path = join(tmpdir(), `table-${process.pid}`)
  const read = (table: string) => {
    writeFileSync(path, table)
    return readListeners(path)
  }
  const head = '  sl  local_address rem_address   st\n'
  try {
    // Longer than what is read at once.
    const listeners = head + rows(1, 2000, '0A')
    expect(read(listeners)).toBe(listeners)
    expect(read(head)).toBe(head)
    const all = listeners + rows(2001, 10_000, '01')
    const seen = read(all)
    expect(seen).toStartWith(listeners)
    expect(seen.length).toBeLessThan(all.length / 2)
  } finally {
    rmSync(path)
  }
})

test('looking at a listen queue leaves no file open', () => {
  const files = () => readdirSync('/proc/self/fd').length
  readListenQueue(1)
  const before = files()
  for (let look = 0; look < 50; look++) readListenQueue(1)
  expect(files()).toBeLessThan(before + 10)
})

test('a number of netstat is found by its name', () => {
  const netstat = 'TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 1 23 24\nIpExt: A\nIpExt: 5\n'
  expect(parseNetstat(netstat, 'TcpExt', 'ListenOverflows')).toBe(23)
  expect(parseNetstat(netstat, 'TcpExt', 'Nonsense')).toBeUndefined()
})

test('the limit of open files is the one that a shell reports', () => {
  const { stdout } = Bun.spawnSync(['sh', '-c', 'ulimit -n'])
  expect(readFileLimit()).toBe(Number(stdout.toString()))
})

test('all facts of this process are known, and none of a process that has ended', () => {
  let facts = readProcess(process.pid)
  // The kernel counts CPU time in hundredths of a second.
  while (facts?.cpuUs === 0) facts = readProcess(process.pid)
  expect(facts?.rssBytes).toBeGreaterThan(1_000_000)
  expect(facts?.openFiles).toBeGreaterThan(2)
  expect(facts?.vszBytes).toBeGreaterThan(facts!.rssBytes)
  expect(facts?.cpuUs).toBeGreaterThan(0)
  expect(readProcess(DEAD_PID)).toBeUndefined()
})

test('the accept queue of a new listener is empty, and has a limit', () => {
  const server = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
  const queue = readListenQueue(server.port)
  expect(queue?.lengths).toEqual([0])
  const somaxconn = Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8'))
  expect(queue?.limit).toBe(Math.min(512, somaxconn))
  expect(readListenOverflows()).toBeGreaterThanOrEqual(0)
  server.stop(true)
})

test('each listener of a port is found, of both address families, also among many', () => {
  // Their rows are longer than what is read of the table at once.
  const others = Array.from({ length: 600 }, () => listen())
  const first = listen()
  const { port } = first
  const [second, third] = [listen(port), listen(port, '::1')]
  expect(readListenQueue(port)?.lengths).toEqual([0, 0, 0])
  const own = readOwnListeners(port)
  expect(new Set(own.map(({ file }) => file)).size).toBe(3)
  expect(own.map(({ queue }) => queue)).toEqual([0, 0, 0])
  for (const each of others.filter((_, index) => index % 100 === 0))
    expect(readOwnListeners(each.port)).toHaveLength(1)
  expect(readListenerProcess(port)).toEqual({
    pid: process.pid,
    command: readFileSync('/proc/self/cmdline', 'utf8').split('\0').join(' ').trim(),
  })
  for (const server of [...others, first, second, third]) server.stop(true)
  expect(readListenQueue(port)?.lengths).toEqual([])
  expect(readOwnListeners(port)).toEqual([])
  expect(readListenerProcess(port)).toBeUndefined()
})

test('the listener of another process is not an own one, and its process is found', async () => {
  const script = 'const s = Bun.listen({hostname:"127.0.0.1",port:0,socket:{data(){}}}); console.log(s.port)'
  await using other = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe' })
  const { value } = await other.stdout.getReader().read()
  const port = Number(Buffer.from(value!).toString())
  expect(readListenQueue(port)?.lengths).toEqual([0])
  expect(readOwnListeners(port)).toEqual([])
  expect(readListenerProcess(port)).toEqual({ pid: other.pid, command: `${process.execPath} -e ${script}` })
})

test.each(['127.0.0.1', '::1'])(
  'an open connection to a port of %s is found, its listener is none',
  async (hostname) => {
    const { port, close } = await connect({ hostname, port: 0 })
    // Of the two ends the one of the server has the port as its own.
    expect(readConnections(new Set([port])).size).toBe(1)
    expect(readConnections(new Set([port]), '/nowhere.sock').size).toBe(1)
    expect(readConnections(new Set([port]), undefined, DEAD_PID).size).toBe(0)
    expect(readConnections(new Set([port + 1])).size).toBe(0)
    expect(readConnections(new Set([port + 1, port])).size).toBe(1)
    // A connection to a port has no listener that waits for others.
    expect(readOwnListeners(port)).toHaveLength(1)
    close()
  },
)

test('an open connection to a socket file is found, its listener is none', async () => {
  const unix = join(tmpdir(), `procfs-${process.pid}.sock`)
  const { close } = await connect({ unix })
  expect(readConnections(new Set(), unix).size).toBe(1)
  expect(readConnections(new Set(), `${unix}.other`).size).toBe(0)
  expect(readConnections(new Set()).size).toBe(0)
  close()
  rmSync(unix, { force: true })
})

test('children are found, and one that has ended and was not waited for is a zombie', async () => {
  const script = 'sleep 60 & sleep 60 & echo $! && exec sleep 60'
  const shell = Bun.spawn(['sh', '-c', script], { stdout: 'pipe' })
  const { value } = await shell.stdout.getReader().read()
  const last = Number(Buffer.from(value!).toString())
  expect(childrenOf(process.pid)).toContain(shell.pid)
  const children = childrenOf(shell.pid)
  expect(children).toHaveLength(2)
  expect(children).toContain(last)
  expect(children.map(isZombie)).toEqual([false, false])
  // `sleep` does not wait for the children that the shell left to it; the shell itself would.
  while (readFileSync(`/proc/${shell.pid}/comm`, 'utf8') !== 'sleep\n') await Bun.sleep(1)
  for (const pid of children) process.kill(pid, 'SIGKILL')
  while (!children.every(isZombie)) await Bun.sleep(1)
  shell.kill('SIGKILL')
  await shell.exited
  expect(childrenOf(DEAD_PID)).toEqual([])
  expect(isZombie(DEAD_PID)).toBe(false)
})

test.each<[string, Record<string, string>, number | undefined]>([
  [
    'its cgroup',
    {
      '/proc/self/cgroup': '1:name=systemd:/other\n0::/a/b\n',
      '/sys/fs/cgroup/a/b/memory.events': 'low 0\nhigh 1\nmax 7\noom 5\noom_kill 3\noom_group_kill 2\n',
    },
    3,
  ],
  [
    'a container, whose cgroup is the root of what it sees',
    { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup//memory.events': 'oom_kill 0\n' },
    0,
  ],
  ['a root cgroup, which counts none', { '/proc/self/cgroup': '0::/\n' }, undefined],
  ['cgroup v1', { '/proc/self/cgroup': '4:memory:/a\n' }, undefined],
  ['no cgroups', {}, undefined],
])('kills for lack of memory are those of %s', (_, files, kills) => {
  const read = (path: string) => {
    if (files[path] === undefined) throw new Error('ENOENT')
    return files[path]
  }
  expect(readOomKills(read)).toBe(kills)
})

test('what the kernel says of the network and of this cgroup is what a shell reads', () => {
  const read = (path: string) => Bun.spawnSync(['cat', path]).stdout.toString().trim()
  const path = '/proc/sys/net/ipv4/tcp_migrate_req'
  expect(readMigratesRequests()).toBe(existsSync(path) ? read(path) === '1' : undefined)
  const own = /^0::(.*)$/m.exec(read('/proc/self/cgroup'))?.[1]
  const kills = /^oom_kill (\d+)$/m.exec(read(`/sys/fs/cgroup${own}/memory.events`))?.[1]
  expect(readOomKills()).toBe(kills === undefined ? undefined : Number(kills))
})
