import { expect, test } from 'bun:test'
import {
  readFileLimit,
  parseListeners,
  parseNetstat,
  readListenOverflows,
  readListenQueue,
  readProcess,
} from './procfs.ts'

test('only the listener of the port counts, not its connections', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F41 00000000:0000 0A 00000000:00000004 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:1F41 0100007F:C350 01 00000000:00000009 00:00000000 00000000     0        0 2 1 0 20 4 30 10 -1
   2: 0100007F:1F42 00000000:0000 0A 00000000:00000007 00:00000000 00000000     0        0 3 1 0 100 0 0 10 0`
  expect(parseListeners(table, 8001)).toEqual([4])
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
  const facts = readProcess(process.pid)
  expect(facts?.rssBytes).toBeGreaterThan(1_000_000)
  expect(facts?.openFiles).toBeGreaterThan(2)
  expect(readProcess(2 ** 22 + 1)).toBeUndefined()
})

test('the accept queue of a new listener is empty, and has a limit', () => {
  const server = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
  const queue = readListenQueue(server.port)
  expect(queue?.lengths).toEqual([0])
  expect(queue?.limit).toBeGreaterThan(0)
  expect(readListenOverflows()).toBeGreaterThanOrEqual(0)
  server.stop(true)
})
