/**
 * Rate limits that all workers of a gateway share: one table in a file that each worker maps. An entry is a key and the
 * theoretical arrival time of its next request (GCRA), changed by compare-and-swap. So limits are exact across workers,
 * and a worker that is killed or reloaded resets none.
 */
import { closeSync, ftruncateSync, openSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dlopen } from 'bun:ffi'

const ENTRIES = 65_536
const WORDS = 2
/** Entries that a key can take. */
const PROBES = 8

/** Requests in a time, and how many of them may come at once. */
export interface Rate {
  requests: number
  perMs: number
  burst: number
}

export class RateTable {
  readonly #words: BigInt64Array
  readonly #now: () => bigint

  /** @param now nanoseconds of a clock that all users of the table share */
  constructor(bytes: Uint8Array, now: () => bigint) {
    this.#words = new BigInt64Array(bytes.buffer, bytes.byteOffset, ENTRIES * WORDS)
    this.#now = now
  }

  /** The table of the gateway whose master has this pid, made by the first worker. */
  static shared(pid: number): RateTable {
    removeRateTables()
    const path = join(folderOfTables(), prefix() + pid)
    const file = openSync(path, 'a+', 0o600)
    ftruncateSync(file, RateTable.BYTES)
    closeSync(file)
    return new RateTable(Bun.mmap(path, { shared: true }), monotonicClock())
  }

  static readonly BYTES = ENTRIES * WORDS * 8

  /** @returns 0 if the request is allowed, else the nanoseconds until the next one is */
  take(text: string, { requests, perMs, burst }: Rate): bigint {
    const interval = BigInt(Math.round((perMs * 1e6) / requests))
    const tolerance = interval * BigInt(burst)
    const now = this.#now()
    const at = this.#find(BigInt.asIntN(64, Bun.hash.wyhash(text)) || 1n, now)
    for (;;) {
      const arrival = Atomics.load(this.#words, at + 1)
      const next = (arrival > now ? arrival : now) + interval
      if (next - now > tolerance) return next - now - tolerance
      if (Atomics.compareExchange(this.#words, at + 1, arrival, next) === arrival) return 0n
    }
  }

  /** The place of a key: its own, else one whose time has passed, else the one whose time passes first. */
  #find(key: bigint, now: bigint): number {
    const words = this.#words
    const start = Number(BigInt.asUintN(16, key))
    for (;;) {
      let free = -1
      let freeKey = 0n
      let freeArrival = 0n
      for (let i = 0; i < PROBES; i++) {
        const at = ((start + i) % ENTRIES) * WORDS
        const found = Atomics.load(words, at)
        if (found === key) return at
        const arrival = Atomics.load(words, at + 1)
        const isBetter = free === -1 || (freeArrival > now && arrival < freeArrival)
        if (isBetter) [free, freeKey, freeArrival] = [at, found, arrival]
      }
      if (Atomics.compareExchange(words, free, freeKey, key) !== freeKey) continue
      if (freeArrival > now) Atomics.store(words, free + 1, now)
      return free
    }
  }
}

/** Shared memory, if the system has it. */
function folderOfTables(): string {
  try {
    readdirSync('/dev/shm')
    return '/dev/shm'
  } catch {
    return tmpdir()
  }
}

/** Processes of other pid namespaces may use the same folder, and their masters cannot be seen from here. */
function prefix(): string {
  let namespace = ''
  try {
    namespace = readlinkSync('/proc/self/ns/pid').replace(/\D/g, '')
  } catch {
    // Not Linux: there are no namespaces.
  }
  return `bun-gateway-rates-${namespace}-`
}

/**
 * Removes the tables of gateways whose master has ended, and that of this process if it is a master. Every process of a
 * gateway calls it when it ends, so a table is also removed when its master was killed; and when it begins, for gateways whose
 * processes were all killed at once.
 */
export function removeRateTables(): void {
  const folder = folderOfTables()
  const start = prefix()
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(start)) continue
    const pid = Number(name.slice(start.length))
    if (pid === process.pid || !isAlive(pid)) rmSync(join(folder, name), { force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

const CLOCK_MONOTONIC = 1

/** The system's monotonic clock. Bun's own clocks start with the process, so they differ between workers. */
function monotonicClock(): () => bigint {
  const offset = startOfProcess()
  return () => nanoseconds(performance.now()) + offset
}

/** When this process started, in nanoseconds of the monotonic clock, or of the wall clock if libc has another name. */
function startOfProcess(): bigint {
  try {
    const { symbols } = dlopen('libc.so.6', { clock_gettime: { args: ['int', 'ptr'], returns: 'int' } })
    const time = new BigInt64Array(2)
    const nowMs = performance.now()
    symbols.clock_gettime(CLOCK_MONOTONIC, time)
    return time[0]! * 1_000_000_000n + time[1]! - nanoseconds(nowMs)
  } catch {
    return nanoseconds(performance.timeOrigin)
  }
}

const nanoseconds = (ms: number): bigint => BigInt(Math.round(ms * 1e6))
