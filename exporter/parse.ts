/**
 * Stats documents: JSON text in, the values that we know of out. Written for uWSGI's documents and for our master's
 * (packages/prefork, stats.ts), and for whatever else may answer on that port: a missing or unknown key is fine, a
 * value of the wrong kind refuses the document.
 */
import { Fields, type Numbers, WrongValue } from './fields.ts'

export const WORKER_STATES = ['starting', 'ready', 'busy', 'draining', 'hung', 'dead'] as const

type WorkerState = (typeof WORKER_STATES)[number]

const FAMILY_NUMBERS = [
  ...(['listen_queue', 'listen_queue_errors', 'signal_queue'] as const),
  ...(['listen_overflows', 'reloads', 'reloads_failed', 'last_reload'] as const),
] as const

const WORKER_NUMBERS = [
  ...(['pid', 'accepting', 'requests', 'delta_requests', 'exceptions', 'harakiri_count', 'signals'] as const),
  ...(['signal_queue', 'rss', 'vsz', 'running_time', 'last_spawn', 'respawn_count', 'tx', 'avg_rt'] as const),
  ...(['in_flight', 'cpu_us', 'heartbeat_age_us', 'eventloop_lag_us', 'oldest_request_us'] as const),
  'open_files',
] as const

const SOCKET_NUMBERS = ['queue', 'max_queue', 'shared', 'can_offload'] as const
const APP_NUMBERS = ['startup_time', 'requests', 'exceptions'] as const
const CACHE_NUMBERS = ['items', 'max_items', 'hits', 'miss', 'full'] as const
const CORE_NUMBERS = [
  ...(['requests', 'static_requests', 'routed_requests', 'offloaded_requests'] as const),
  ...(['write_errors', 'read_errors', 'in_request'] as const),
] as const

/** One worker, as far as its document tells. Names and units are the document's. */
export interface Worker extends Numbers<(typeof WORKER_NUMBERS)[number]> {
  id: number
  state: WorkerState | undefined
  status: string | undefined
  exits: Numbers<string>
  apps: App[] | undefined
  coreCount: number | undefined
  /** Absent where they were left out. */
  cores: Core[] | undefined
}

export interface Socket extends Numbers<(typeof SOCKET_NUMBERS)[number]> {
  name: string
  proto: string
}

export interface App extends Numbers<(typeof APP_NUMBERS)[number]> {
  id: number
  mountpoint: string
  chdir: string
}

export interface Core extends Numbers<(typeof CORE_NUMBERS)[number]> {
  id: number
}

export interface Cache extends Numbers<(typeof CACHE_NUMBERS)[number]> {
  name: string
}

/** One process family, as far as its document tells; a list that it does not have is undefined. */
export interface Stats extends Numbers<(typeof FAMILY_NUMBERS)[number]> {
  name: string | undefined
  sockets: Socket[] | undefined
  workers: Worker[] | undefined
  caches: Cache[] | undefined
}

/** What came of reading a target: what it tells, or why it tells nothing. */
export type Outcome = { stats: Stats } | { problem: string }

/** Several times what the largest real document has. In memory, a value takes many times its few bytes. */
export const MAX_VALUES = 1_000_000

/** Reads a stats document. Never throws. */
export function parseStats(text: string): Outcome {
  try {
    if (valuesIn(text) > MAX_VALUES) throw new WrongValue(`its answer has more than ${MAX_VALUES} values`)
    const top = new Fields(JSON.parse(text), '')
    return {
      stats: {
        name: top.text('name'),
        ...top.numbers(FAMILY_NUMBERS),
        sockets: top.list('sockets')?.flatMap(parseSocket),
        workers: distinct(top.list('workers')?.flatMap(parseWorker), 'id', 'workers'),
        caches: distinct(top.list('caches')?.map(parseCache), 'name', 'caches'),
      },
    }
  } catch (error) {
    return { problem: error instanceof WrongValue ? error.message : 'its answer is not JSON' }
  }
}

/** At least as many as there are; a text that is too short for too many is not looked at. */
function valuesIn(text: string): number {
  let count = 0
  if (text.length > MAX_VALUES)
    for (let i = 0; i < text.length; i++) if (BEFORE_VALUE[text.charCodeAt(i)] === 1) count++
  return count
}

const BEFORE_VALUE = new Uint8Array(128)
for (const character of ',[{') BEFORE_VALUE[character.charCodeAt(0)] = 1

function parseSocket(socket: Fields): Socket[] {
  const name = socket.text('name')
  return name === undefined
    ? []
    : [{ name, proto: socket.text('proto') ?? '', ...socket.numbers(SOCKET_NUMBERS) }]
}

/** uWSGI keeps a worker 0 that is none: its master. */
function parseWorker(worker: Fields): Worker[] {
  const id = idOf(worker)
  if (id === 0) return []
  const numbers = worker.numbers(WORKER_NUMBERS)
  const status = worker.text('status')
  const cores = worker.isLeftOut('cores') ? undefined : worker.list('cores')?.map(parseCore)
  return [
    {
      id,
      ...numbers,
      status,
      state: stateOf(worker.text('state'), status, numbers.pid),
      exits: worker.child('exits')?.allNumbers() ?? {},
      apps: distinct(worker.list('apps')?.map(parseApp), 'id', 'apps'),
      coreCount: cores?.length ?? worker.number('cores'),
      cores: distinct(cores, 'id', 'cores'),
    },
  ]
}

const parseCore = (core: Fields): Core => ({ id: idOf(core), ...core.numbers(CORE_NUMBERS) })

const parseApp = (app: Fields): App => ({
  id: idOf(app),
  mountpoint: app.text('mountpoint') ?? '',
  chdir: app.text('chdir') ?? '',
  ...app.numbers(APP_NUMBERS),
})

const parseCache = (cache: Fields): Cache => ({
  name: cache.text('name') ?? '',
  ...cache.numbers(CACHE_NUMBERS),
})

function idOf(entry: Fields): number {
  const id = entry.number('id') ?? 0
  if (!Number.isSafeInteger(id)) throw new WrongValue(`${entry.path}.id is not an integer`)
  return id
}

/** Two of one key would be the same series twice, and a scraper refuses such a page. */
function distinct<Key extends string, Entry extends Record<Key, unknown>>(
  entries: Entry[] | undefined,
  key: Key,
  what: string,
): Entry[] | undefined {
  if (new Set(entries?.map((entry) => entry[key])).size === (entries?.length ?? 0)) return entries
  throw new WrongValue(`two of its ${what} have the same ${key}`)
}

/** Our own word where there is one, else what uWSGI's comes to. A paused worker is in none of our states. */
function stateOf(state: string | undefined, status = '', pid: number | undefined): WorkerState | undefined {
  const known = WORKER_STATES.find((name) => name === state)
  if (known !== undefined) return known
  if (pid === 0 || status === 'cheap') return 'dead'
  if (status === 'idle') return 'ready'
  // `sig9`: it runs the handler of uWSGI's signal 9.
  return status === 'busy' || /^sig\d+$/.test(status) ? 'busy' : undefined
}
