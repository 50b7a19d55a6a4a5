/**
 * Reads what the kernel knows about processes and listening sockets from /proc. Parsing is pure. If a file cannot be read
 * (another system, a process that has just ended) the result is `undefined`, never a made-up number.
 */
import { readProcStat } from '@bun-monitoring/metrics/proc_stat'
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs'

export interface ProcessFacts {
  rssBytes: number
  vszBytes: number
  cpuUs: number
  openFiles: number
}

export interface ListenQueue {
  /** Connections that wait to be accepted, one number for each listener. */
  lengths: number[]
  /** How many may wait at one listener: Bun's backlog or net.core.somaxconn, whichever is smaller. */
  limit: number
}

/** States in /proc/net/tcp and tcp6 (include/net/tcp_states.h), and in /proc/net/unix. */
const ESTABLISHED = '01'
const SYN_RECEIVED = '03'
const LISTEN = '0A'
const UNIX_CONNECTED = '03'

const TCP_TABLES = ['/proc/net/tcp', '/proc/net/tcp6']

/** The backlog that Bun gives to listen(2) (uSockets). */
const BACKLOG = 512

export function readProcess(pid: number): ProcessFacts | undefined {
  const stat = readProcStat(pid)
  const openFiles = attempt(() => readdirSync(`/proc/${pid}/fd`).length)
  if (!stat || openFiles === undefined) return undefined
  const { rssBytes, vszBytes, cpuUs } = stat
  return { rssBytes, vszBytes, cpuUs, openFiles }
}

/** The soft limit of open files of this process; 0 if it is unknown. */
export const readFileLimit = (): number =>
  attempt(() => Number(/^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))![1])) ?? 0

/** The living children of a process. */
export const childrenOf = (pid: number): number[] =>
  (attempt(() => readdirSync(`/proc/${pid}/task`)) ?? []).flatMap((thread) => {
    const children = attempt(() => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')) ?? ''
    return children.split(' ').filter(Boolean).map(Number)
  })

/** Whether a process has ended and its parent has not yet waited for it. */
export const isZombie = (pid: number): boolean => readProcStat(pid)?.state === 'Z'

/** Accept queues of the listeners on an IPv4 or IPv6 port of this network namespace. */
export function readListenQueue(port: number): ListenQueue | undefined {
  return attempt(() => {
    const somaxconn = Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8'))
    const lengths = TCP_TABLES.flatMap((path) =>
      parseListeners(attempt(() => readListeners(path)) ?? '', port),
    )
    return { lengths, limit: Math.min(BACKLOG, somaxconn) }
  })
}

/** The inodes of a process's open connections to ports or a socket file. They identify the connections. */
export function readConnections(
  ports: ReadonlySet<number>,
  socketPath?: string,
  pid: number | 'self' = 'self',
): Set<string> {
  const inodes = new Set(readRows(ESTABLISHED, ports).map(({ inode }) => inode))
  if (socketPath !== undefined) {
    for (const line of (attempt(() => readFileSync('/proc/net/unix', 'utf8')) ?? '').split('\n')) {
      const [, , , , , state, inode, path] = line.split(/\s+/)
      if (path === socketPath && state === UNIX_CONNECTED) inodes.add(inode!)
    }
  }
  return inodes.intersection(socketsOf(pid))
}

/** A TCP listener of this process. */
export interface OwnListener {
  file: number
  port: number
  /** Connections that wait to be accepted. */
  queue: number
}

/** This process's own listeners on a port, or on all ports. */
export function readOwnListeners(on?: number): OwnListener[] {
  const own = socketsOf('self')
  return readListenerRows(on).flatMap(({ inode, queue, port }) => {
    const file = own.get(inode)
    return file === undefined ? [] : [{ file, port, queue }]
  })
}

/** The clients whose TCP handshake with these ports is not complete, for any process. They have no inode yet. */
export function readHandshakes(ports: ReadonlySet<number>): Set<string> {
  return new Set(readRows(SYN_RECEIVED, ports).map(({ client }) => client))
}

/** A process that listens on a port of this network namespace, if this user may know it. */
export function readListenerProcess(port: number): { pid: number; command: string } | undefined {
  const inodes = readListenerRows(port).map(({ inode }) => inode)
  const pids = (attempt(() => readdirSync('/proc')) ?? []).map(Number).filter(Number.isInteger)
  const pid = pids.find((each) => {
    const sockets = socketsOf(each)
    return inodes.some((inode) => sockets.has(inode))
  })
  if (pid === undefined) return undefined
  const command = attempt(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? ''
  return { pid, command: command.split('\0').join(' ').trim() }
}

/** The file numbers of a process's sockets, by inode. */
function socketsOf(pid: number | 'self'): Map<string, number> {
  const sockets = new Map<string, number>()
  for (const file of attempt(() => readdirSync(`/proc/${pid}/fd`)) ?? []) {
    const target = attempt(() => readlinkSync(`/proc/${pid}/fd/${file}`)) ?? ''
    if (target.startsWith('socket:[')) sockets.set(target.slice('socket:['.length, -1), Number(file))
  }
  return sockets
}

/**
 * How many processes of this cgroup the kernel has killed to free memory (cgroup v2).
 * @param read reads a file, and throws if there is no such file
 */
export function readOomKills(
  read: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): number | undefined {
  return attempt(() => {
    const own = /^0::(.*)$/m.exec(read('/proc/self/cgroup'))![1]
    const events = read(`/sys/fs/cgroup${own}/memory.events`)
    return Number(/^oom_kill (\d+)$/m.exec(events)![1])
  })
}

/** Whether the kernel moves connections that wait at a closed listener to another listener of the port (Linux 5.14). */
export const readMigratesRequests = (): boolean | undefined =>
  attempt(() => readFileSync('/proc/sys/net/ipv4/tcp_migrate_req', 'utf8').trim() === '1')

/** How many connections this network namespace has dropped since boot because an accept queue was full. */
export function readListenOverflows(): number | undefined {
  return attempt(() => parseNetstat(readFileSync('/proc/net/netstat', 'utf8'), 'TcpExt', 'ListenOverflows'))
}

/** Accept queue lengths of the listening sockets on a port, from /proc/net/tcp or tcp6. */
export const parseListeners = (table: string, port: number): number[] =>
  rowsOf(table, LISTEN, new Set([port])).map(({ queue }) => queue)

/** The listeners on a port, or on all ports. */
const readListenerRows = (port?: number): Row[] => {
  const ports = port === undefined ? undefined : new Set([port])
  return TCP_TABLES.flatMap((path) => rowsOf(attempt(() => readListeners(path)) ?? '', LISTEN, ports))
}

/** All rows of these ports in a state. */
const readRows = (state: string, ports: ReadonlySet<number>): Row[] =>
  TCP_TABLES.flatMap((path) => rowsOf(attempt(() => readFileSync(path, 'utf8')) ?? '', state, ports))

interface Row {
  port: number
  /** Address and port, as the kernel writes them. */
  client: string
  queue: number
  inode: string
}

/**
 * The rows of a table in a state whose local end is one of these ports, or any. A busy table has thousands of other rows.
 * The kernel repeats a row when sockets open or close while the table is read; the later one is left out. A handshake has
 * the inode 0, so its client is compared, too.
 */
function rowsOf(table: string, state: string, ports?: ReadonlySet<number>): Row[] {
  const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0')
  const local = ports === undefined ? '[0-9A-F]{4}' : ports.values().map(hex).toArray().join('|')
  const pattern = `^ *\\d+: [0-9A-F]+:(${local}) (\\S+) ${state} \\S+:(\\S+) \\S+ \\S+ +\\d+ +\\d+ (\\d+)`
  const rows = new Map<string, Row>()
  for (const [, hexPort, client, queue, inode] of table.matchAll(new RegExp(pattern, 'gm'))) {
    const port = Number.parseInt(hexPort!, 16)
    const key = `${inode} ${port} ${client}`
    if (!rows.has(key))
      rows.set(key, { port, client: client!, queue: Number.parseInt(queue!, 16), inode: inode! })
  }
  return [...rows.values()]
}

/** Reads a table up to its last listener. The kernel lists listeners first; a row for each connection may follow. */
export function readListeners(path: string): string {
  const file = openSync(path, 'r')
  try {
    const chunk = Buffer.alloc(64 * 1024)
    let text = ''
    for (;;) {
      const length = readSync(file, chunk)
      text += chunk.toString('latin1', 0, length)
      const lastRow = text.slice(0, text.lastIndexOf('\n')).split('\n').at(-1)!
      if (length === 0 || lastRow.trim().split(/\s+/)[3] !== LISTEN) return text
    }
  } finally {
    closeSync(file)
  }
}

/** Reads one number of /proc/net/netstat, which has a line of names and a line of values for each group. */
export function parseNetstat(text: string, group: string, name: string): number | undefined {
  const [names, values] = text.split('\n').filter((line) => line.startsWith(`${group}: `))
  const index = names?.split(' ').indexOf(name) ?? -1
  return index === -1 ? undefined : Number(values?.split(' ')[index])
}

/** @returns undefined if `read` throws, as for a file that is not there. */
export function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
