/** A stats document as uWSGI writes it: indented by tabs, with the variables of requests in flight in `vars`. */

/** One of this many cores is idle. */
const IDLE_EACH = 5

const VARS = [
  'REQUEST_METHOD=GET',
  'REQUEST_URI=/api/v1/items?page=4&size=100',
  'QUERY_STRING=page=4&size=100',
  'HTTP_HOST=example.org',
  'HTTP_USER_AGENT=Mozilla/5.0 (X11; Linux x86_64) \\"like\\" Gecko',
  `HTTP_COOKIE=session=${'0123456789abcdef'.repeat(8)}`,
  'HTTP_ACCEPT=text/html,application/xhtml+xml',
  'PATH_INFO=/api/v1/items',
  'REMOTE_ADDR=10.1.2.3',
  'SERVER_PROTOCOL=HTTP/1.1',
  '',
]

/** The bytes of a document with the given number of workers and of cores for each worker. */
export function largeDocument(workers: number, cores: number): Buffer<ArrayBuffer> {
  const top = { version: '2.0.21', listen_queue: 0, listen_queue_errors: 0, signal_queue: 0, load: 0, pid: 1 }
  const sockets = [{ name: ':8001', proto: 'uwsgi', queue: 0, max_queue: 100, shared: 0, can_offload: 0 }]
  return Buffer.from(
    object({ ...top, cwd: '/srv', sockets, workers: numbered(workers, (id) => worker(id + 1, cores)) }, 0),
  )
}

const worker = (id: number, cores: number) => ({
  id,
  pid: 1000 + id,
  accepting: 1,
  requests: 55038,
  delta_requests: 55038,
  exceptions: 0,
  harakiri_count: 0,
  signals: 0,
  signal_queue: 0,
  status: 'idle',
  rss: 0,
  vsz: 0,
  running_time: 125_619_436,
  last_spawn: 1_795_343_171,
  respawn_count: 1,
  tx: 821526186,
  avg_rt: 7225,
  apps: [
    {
      id: 0,
      modifier1: 0,
      mountpoint: '',
      startup_time: 1,
      requests: 55038,
      exceptions: 0,
      chdir: '',
    },
  ],
  cores: numbered(cores, core),
})

function core(id: number) {
  const isBusy = id % IDLE_EACH > 0
  return {
    id,
    requests: 7 * id,
    static_requests: 0,
    routed_requests: 0,
    offloaded_requests: 0,
    write_errors: 0,
    read_errors: 0,
    in_request: isBusy ? 1 : 0,
    vars: isBusy ? VARS : [],
    req_info: isBusy ? { request_start: 1_795_343_171 } : {},
  }
}

const numbered = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index))

function written(value: unknown, depth: number): string {
  if (Array.isArray(value)) return list(value, depth)
  if (typeof value === 'object') return object(value as object, depth)
  return typeof value === 'string' ? `"${value}"` : String(value)
}

const list = (items: readonly unknown[], depth: number): string =>
  between(
    '[',
    items.map((item) => indent(depth + 1) + written(item, depth + 1)),
    depth,
    ']',
  )

const object = (entries: object, depth: number): string =>
  between(
    '{',
    Object.entries(entries).map(
      ([key, value]) => `${indent(depth + 1)}"${key}":${written(value, depth + 1)}`,
    ),
    depth,
    '}',
  )

const between = (open: string, lines: readonly string[], depth: number, close: string): string =>
  `${open}\n${lines.join(',\n')}\n${indent(depth)}${close}`

const indent = (depth: number): string => '\t'.repeat(depth)
