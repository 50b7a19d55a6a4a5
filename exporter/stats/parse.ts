/**
 * Parses stats documents of uWSGI and of our master (packages/prefork). Missing and unknown keys are allowed; a document
 * with a value of the wrong kind is refused.
 */
import { Fields, type Numbers, WrongValue } from './fields.ts'

/** `cheap` is uWSGI's word for a worker that was stopped to save memory and starts with the next requests. */
export const WORKER_STATES = ['starting', 'ready', 'busy', 'draining', 'hung', 'dead', 'cheap'] as const

type WorkerState = (typeof WORKER_STATES)[number]

const TOP_NUMBERS = [
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

/** One worker; keys that the document lacks are undefined. Names and units are those of the document. */
export interface Worker extends Numbers<(typeof WORKER_NUMBERS)[number]> {
  id: number
  state: WorkerState | undefined
  status: string | undefined
  exits: Numbers<string>
  /** `signals`, which our master always sets to 0. */
  uwsgiSignals: number | undefined
  apps: App[] | undefined
  coreCount: number | undefined
  /** Only if they were asked for. */
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

/** One process cluster; keys and lists that the document lacks are undefined. */
export interface Stats extends Numbers<(typeof TOP_NUMBERS)[number]> {
  name: string | undefined
  sockets: Socket[] | undefined
  workers: Worker[] | undefined
  caches: Cache[] | undefined
}

/** The result of reading a target: its stats, or the reason why there are none. */
export type Outcome = { stats: Stats } | { problem: string }

/**
 * More than twice the number of values of a uWSGI with 150 workers of 256 cores. The limit is needed because `{}` takes two
 * bytes in a document but many times that in memory.
 */
export const MAX_VALUES = 2_000_000

export interface ParseOptions {
  /** Whether each core is wanted, not only their number. */
  withCores: boolean
  /**
   * Whether any JSON object is a stats document, as for uwsgi_exporter. Otherwise it must have a list of workers, or of
   * vassals if it is an emperor's.
   */
  acceptsAnyObject: boolean
}

/** Parses a stats document. Never throws. */
export function parseStats(text: string, options: ParseOptions): Outcome {
  try {
    if (valuesIn(text) > MAX_VALUES) throw new WrongValue(`the response has more than ${MAX_VALUES} values`)
    const top = new Fields(parseJson(text), '')
    if (!options.acceptsAnyObject && top.list('workers') === undefined && top.list('vassals') === undefined)
      throw new WrongValue('the response is JSON but not a stats document: it has no workers')
    return {
      stats: {
        name: top.text('name'),
        ...top.numbers(TOP_NUMBERS),
        sockets: top.list('sockets')?.map(parseSocket),
        workers: top.list('workers')?.flatMap((worker) => parseWorker(worker, options)),
        caches: top.list('caches')?.map(parseCache),
      },
    }
  } catch (error) {
    return { problem: error instanceof WrongValue ? error.message : 'the response is not JSON' }
  }
}

/**
 * uWSGI copies control bytes of a request into its document, where JSON does not allow them. It escapes tabs and line
 * breaks, so the other control bytes can be replaced without a change of meaning.
 */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return JSON.parse(text.replace(CONTROL_CHARACTERS, '\ufffd'))
  }
}

// oxlint-disable-next-line no-control-regex -- finds the bytes that JSON forbids
const CONTROL_CHARACTERS = /[\0-\x08\x0b\x0c\x0e-\x1f]/g

/** An upper bound of the number of values. A text that is too short to have too many is not scanned. */
function valuesIn(text: string): number {
  let count = 0
  if (text.length > MAX_VALUES)
    for (let i = 0; i < text.length; i++) if (BEFORE_VALUE[text.charCodeAt(i)] === 1) count++
  return count
}

const BEFORE_VALUE = new Uint8Array(128)
for (const character of ',[{') BEFORE_VALUE[character.charCodeAt(0)] = 1

const parseSocket = (socket: Fields): Socket => ({
  name: socket.text('name') ?? '',
  proto: socket.text('proto') ?? '',
  ...socket.numbers(SOCKET_NUMBERS),
})

/** uWSGI's worker 0 is not a worker but the master. */
function parseWorker(worker: Fields, { withCores }: ParseOptions): Worker[] {
  const id = idOf(worker)
  if (id === 0) return []
  const numbers = worker.numbers(WORKER_NUMBERS)
  const status = worker.text('status')
  const state = WORKER_STATES.find((name) => name === worker.text('state'))
  return [
    {
      id,
      ...numbers,
      status,
      state: state ?? stateOf(status, numbers.pid),
      exits: exitsOf(worker),
      uwsgiSignals: state === undefined ? numbers.signals : undefined,
      apps: worker.list('apps')?.map(parseApp),
      coreCount: worker.lengthOf('cores'),
      cores: withCores ? worker.list('cores')?.map(parseCore) : undefined,
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

/** uWSGI counts one of the reasons for an exit. */
function exitsOf(worker: Fields): Numbers<string> {
  const harakiri = worker.number('harakiri_count')
  return worker.child('exits')?.allNumbers() ?? (harakiri === undefined ? {} : { harakiri })
}

/** The state that uWSGI's status corresponds to; no state corresponds to a paused worker. */
function stateOf(status = '', pid: number | undefined): WorkerState | undefined {
  if (status === 'cheap') return 'cheap'
  if (pid === 0) return 'dead'
  if (status === 'idle') return 'ready'
  // `sig9`: the worker runs the handler of uWSGI's signal 9.
  return status === 'busy' || /^sig\d+$/.test(status) ? 'busy' : undefined
}
