/**
 * Stats documents: JSON text in, the values that we know of out. Written for uWSGI's documents and for our master's
 * (packages/prefork, stats.ts), and for whatever else may answer on that port: a missing or unknown key is fine, a
 * value of the wrong kind refuses the document.
 */

export const WORKER_STATES = ['starting', 'ready', 'busy', 'draining', 'hung', 'dead'] as const

type WorkerState = (typeof WORKER_STATES)[number]

const WORKER_NUMBERS = [
  'pid',
  'requests',
  'exceptions',
  'rss',
  'vsz',
  'running_time',
  'last_spawn',
  'respawn_count',
  'tx',
  'in_flight',
  'cpu_us',
  'heartbeat_age_us',
  'eventloop_lag_us',
  'oldest_request_us',
  'open_files',
] as const

const FAMILY_NUMBERS = ['listen_overflows', 'reloads', 'reloads_failed', 'last_reload'] as const

type Numbers<Key extends string> = Partial<Record<Key, number>>

/** One worker, as far as its document tells. Names and units are the document's. */
export interface Worker extends Numbers<(typeof WORKER_NUMBERS)[number]> {
  id: number
  state: WorkerState | undefined
  exits: Numbers<string>
}

export interface Socket extends Numbers<'queue' | 'max_queue'> {
  name: string
}

/** One process family, as far as its document tells; a list that it does not have is undefined. */
export interface Stats extends Numbers<(typeof FAMILY_NUMBERS)[number]> {
  name: string | undefined
  sockets: Socket[] | undefined
  workers: Worker[] | undefined
}

/** What came of reading a target: what it tells, or why it tells nothing. */
export type Outcome = { stats: Stats } | { problem: string }

/** Reads a stats document. Never throws. */
export function parseStats(text: string): Outcome {
  try {
    const top = new Fields(JSON.parse(text), '')
    return {
      stats: {
        name: top.text('name'),
        ...top.numbers(FAMILY_NUMBERS),
        sockets: top.list('sockets')?.flatMap(parseSocket),
        workers: distinct(top.list('workers')?.flatMap(parseWorker)),
      },
    }
  } catch (error) {
    return { problem: error instanceof WrongValue ? error.message : 'its answer is not JSON' }
  }
}

function parseSocket(socket: Fields): Socket[] {
  const name = socket.text('name')
  return name === undefined ? [] : [{ name, ...socket.numbers(['queue', 'max_queue']) }]
}

/** uWSGI keeps a worker 0 that is none: its master. */
function parseWorker(worker: Fields): Worker[] {
  const id = worker.number('id') ?? 0
  if (!Number.isSafeInteger(id)) throw new WrongValue(`${worker.path}.id is not an integer`)
  if (id === 0) return []
  const numbers = worker.numbers(WORKER_NUMBERS)
  const exits = worker.child('exits')
  return [{ id, ...numbers, state: stateOf(worker, numbers.pid), exits: exits?.numbers(exits.keys()) ?? {} }]
}

function distinct(workers: Worker[] | undefined): Worker[] | undefined {
  if (new Set(workers?.map((worker) => worker.id)).size === (workers?.length ?? 0)) return workers
  throw new WrongValue('two of its workers have the same id')
}

/** Our own word where there is one, else what uWSGI's comes to. A paused worker is in none of our states. */
function stateOf(worker: Fields, pid: number | undefined): WorkerState | undefined {
  const state = worker.text('state')
  const known = WORKER_STATES.find((name) => name === state)
  if (known !== undefined) return known
  const status = worker.text('status')
  if (pid === 0 || status === 'cheap') return 'dead'
  if (status === 'idle') return 'ready'
  // `sig9`: it runs the handler of uWSGI's signal 9.
  return status === 'busy' || /^sig\d+$/.test(status ?? '') ? 'busy' : undefined
}

class WrongValue extends Error {}

/**
 * A JSON object whose values are checked as they are taken. `null` counts as missing, as it does for Go programs. A
 * message tells the place and the kind, not the value: it is logged when it changes, and values change all the time.
 */
class Fields {
  readonly #entries: Record<string, unknown>

  constructor(
    value: unknown,
    readonly path: string,
  ) {
    if (!isObject(value)) throw new WrongValue(`${path === '' ? 'its answer' : path} is not an object`)
    this.#entries = value
  }

  number(key: string): number | undefined {
    const value = this.#entries[key] ?? undefined
    if (value === undefined) return undefined
    if (typeof value !== 'number' || !Number.isFinite(value))
      throw new WrongValue(`${this.#at(key)} is not a number`)
    if (value < 0) throw new WrongValue(`${this.#at(key)} is negative`)
    return value
  }

  numbers<Key extends string>(keys: readonly Key[]): Numbers<Key> {
    const values = keys.map((key) => [key, this.number(key)] as const)
    return Object.fromEntries(values.filter(([, value]) => value !== undefined)) as Numbers<Key>
  }

  keys(): string[] {
    return Object.keys(this.#entries)
  }

  text(key: string): string | undefined {
    const value = this.#entries[key] ?? undefined
    if (value !== undefined && typeof value !== 'string')
      throw new WrongValue(`${this.#at(key)} is not a text`)
    // A lone surrogate has no UTF-8 form: two different ones would be written as one name.
    return value?.toWellFormed()
  }

  child(key: string): Fields | undefined {
    const value = this.#entries[key] ?? undefined
    return value === undefined ? undefined : new Fields(value, this.#at(key))
  }

  list(key: string): Fields[] | undefined {
    const value = this.#entries[key] ?? undefined
    if (value !== undefined && !Array.isArray(value)) throw new WrongValue(`${this.#at(key)} is not a list`)
    return value?.map((item, index) => new Fields(item, `${this.#at(key)}[${index}]`))
  }

  #at(key: string): string {
    return this.path === '' ? key : `${this.path}.${key}`
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
