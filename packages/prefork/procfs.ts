/**
 * What the kernel knows about processes and listening sockets, read from /proc. Parsing is pure; where a file
 * cannot be read (another system, a process just gone) the answer is `undefined`, never a made-up number.
 */
import { readdirSync, readFileSync } from 'node:fs'

/** USER_HZ: the unit of /proc/<pid>/stat times on every Linux that Bun runs on. */
const TICKS_PER_SECOND = 100
const PAGE_BYTES = 4096

export interface ProcessFacts {
  rssBytes: number
  vszBytes: number
  cpuUs: number
  openFiles: number
}

export interface ListenQueue {
  /** Connections that wait to be accepted. */
  length: number
  /** How many may wait: the smaller of what was asked for and net.core.somaxconn. */
  limit: number
}

/** Bun asks for this backlog when it listens (uSockets). */
const BACKLOG = 512

export function readProcess(pid: number): ProcessFacts | undefined {
  return attempt(() => ({
    ...parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8')),
    openFiles: readdirSync(`/proc/${pid}/fd`).length,
  }))
}

/** Accept queue of the listener on an IPv4 or IPv6 port of this network namespace. */
export function readListenQueue(port: number): ListenQueue | undefined {
  return attempt(() => {
    const somaxconn = Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8'))
    const tables = ['/proc/net/tcp', '/proc/net/tcp6'].map(
      (path) => attempt(() => readFileSync(path, 'utf8')) ?? '',
    )
    const lengths = tables.flatMap((table) => parseListeners(table, port))
    return { length: Math.max(0, ...lengths), limit: Math.min(BACKLOG, somaxconn) }
  })
}

/** Connections that this network namespace dropped because an accept queue was full, since boot. */
export function readListenOverflows(): number | undefined {
  return attempt(() => parseNetstat(readFileSync('/proc/net/netstat', 'utf8'), 'TcpExt', 'ListenOverflows'))
}

/** Fields of /proc/<pid>/stat after the command, which may itself hold spaces and brackets (proc(5)). */
export function parseStat(text: string): Omit<ProcessFacts, 'openFiles'> {
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const [utime, stime, vsize, rssPages] = [fields[11]!, fields[12]!, fields[20]!, fields[21]!]
  return {
    cpuUs: ((utime + stime) * 1_000_000) / TICKS_PER_SECOND,
    vszBytes: vsize,
    rssBytes: rssPages * PAGE_BYTES,
  }
}

/** Accept queue lengths of the sockets in state LISTEN (0A) on a port, from /proc/net/tcp or tcp6. */
export function parseListeners(table: string, port: number): number[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => state === '0A' && local?.endsWith(suffix))
    .map(([, , , , queues]) => Number.parseInt(queues!.split(':')[1]!, 16))
}

/** One number of /proc/net/netstat, which prints each group as a line of names and a line of values. */
export function parseNetstat(text: string, group: string, name: string): number | undefined {
  const [names, values] = text.split('\n').filter((line) => line.startsWith(`${group}: `))
  const index = names?.split(' ').indexOf(name) ?? -1
  return index === -1 ? undefined : Number(values?.split(' ')[index])
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
