/** The apps that request.bench.ts compares: one route over one prepared statement, measured in different ways. */
import { Database } from 'bun:sqlite'
import { Elysia } from 'elysia'
import elysiaPrometheus from 'elysia-prometheus'
import * as promClient from 'prom-client'
import { DATABASE_BUCKETS } from '../instrument/database.ts'
import { httpMetrics } from '../instrument/elysia.ts'
import {
  BOARD_WORDS,
  collectDefaultMetrics,
  Counter,
  HTTP_DURATION_BUCKETS,
  measured,
  measureEventLoop,
  publishAppInfo,
  Registry,
  type RequestTally,
  Segment,
  type TalliedRequest,
} from '../index.ts'
import { DatabaseMetrics } from '../instrument/sqlite.ts'

/** How an app is measured, if at all. */
export type Variant = keyof typeof variants

interface Dog {
  id: number
  name: string
  breed: string
}

const FIND = 'SELECT id, name, breed FROM dogs WHERE id = ?'

const db = new Database(':memory:')
db.run('CREATE TABLE dogs (id INTEGER PRIMARY KEY, name TEXT, breed TEXT)')
for (let id = 1; id <= 100; id++) {
  db.run('INSERT INTO dogs VALUES (?, ?, ?)', [id, `dog number ${id}`, 'Affenpinscher'])
}

const variants = {
  bare,
  ours,
  everything,
  http,
  database,
  'prom-client': withPromClient,
  'elysia-prometheus': withElysiaPrometheus,
  plain,
  measured: plainMeasured,
}

export const appOf = (variant: string) => variants[variant as Variant]()

function bare() {
  const statement = db.prepare<Dog, [number]>(FIND)
  return newApp().get('/dogs/:id', ({ params }) => statement.get(Number(params.id)))
}

function ours() {
  const registry = sharedRegistry()
  const statement = new DatabaseMetrics(registry).prepare<Dog, [number]>(db, FIND)
  return newApp()
    .use(httpMetrics({ registry }))
    .get('/dogs/:id', ({ params }) => statement.get(Number(params.id)))
}

/** Everything that a service of this repository has: the worker's tally, further families, an excluded path. */
function everything() {
  const registry = sharedRegistry()
  publishAppInfo(registry, { name: 'dogs', version: '1.0.0' })
  collectDefaultMetrics({ register: registry })
  measureEventLoop(registry)
  for (const verb of ['inserts', 'updates', 'deletes']) {
    new Counter({ name: `model_${verb}_total`, help: 'Rows', labelNames: ['model'], registers: [registry] })
      .labels('dogs')
      .inc(0)
  }
  const statement = new DatabaseMetrics(registry).prepare<Dog, [number]>(db, FIND)
  return newApp()
    .use(httpMetrics({ registry, tally: new Tally(), exclude: ['/healthz'] }))
    .get('/healthz', () => new Response('ok\n'))
    .get('/dogs/:id', ({ params }) => statement.get(Number(params.id)))
}

/** Ours without the database's part. */
function http() {
  const statement = db.prepare<Dog, [number]>(FIND)
  return newApp()
    .use(httpMetrics({ registry: sharedRegistry() }))
    .get('/dogs/:id', ({ params }) => statement.get(Number(params.id)))
}

/** Ours without the server's part. */
function database() {
  const statement = new DatabaseMetrics(sharedRegistry()).prepare<Dog, [number]>(db, FIND)
  return newApp().get('/dogs/:id', ({ params }) => statement.get(Number(params.id)))
}

/** The same three families as an app would have them with prom-client and Elysia's hooks. */
function withPromClient() {
  const duration = new promClient.Histogram({
    name: 'http_server_request_duration_seconds',
    help: 'Time of a request',
    labelNames: ['method', 'route', 'status'],
    buckets: [...HTTP_DURATION_BUCKETS],
  })
  const active = new promClient.Gauge({
    name: 'http_server_active_requests',
    help: 'In flight',
    labelNames: ['method'],
  })
  const asked = new promClient.Histogram({
    name: 'db_client_operation_duration_seconds',
    help: 'Time of one database operation',
    labelNames: ['system', 'operation', 'collection'],
    buckets: [...DATABASE_BUCKETS],
  })
  const started = new WeakMap<Request, number>()
  const statement = db.prepare<Dog, [number]>(FIND)
  return newApp()
    .onRequest(({ request }) => {
      active.inc({ method: request.method })
      started.set(request, performance.now())
    })
    .onAfterResponse(({ request, route, set }) => {
      const seconds = (performance.now() - started.get(request)!) / 1000
      active.dec({ method: request.method })
      duration.observe({ method: request.method, route, status: Number(set.status ?? 200) }, seconds)
    })
    .get('/dogs/:id', ({ params }) => {
      const end = asked.startTimer({ system: 'sqlite', operation: 'SELECT', collection: 'dogs' })
      const dog = statement.get(Number(params.id))
      end()
      return dog
    })
}

/** One row by id, without Elysia. */
function plain() {
  const statement = db.prepare<Dog, [number]>(FIND)
  return {
    fetch: ({ url }: Request) => Response.json(statement.get(Number(url.slice(url.lastIndexOf('/') + 1)))),
  }
}

function plainMeasured() {
  return { fetch: measured(plain().fetch, { registry: sharedRegistry(), route: () => '/dogs/:id' }) }
}

function withElysiaPrometheus() {
  const statement = db.prepare<Dog, [number]>(FIND)
  return newApp()
    .use(elysiaPrometheus())
    .get('/dogs/:id', ({ params }) => statement.get(Number(params.id)))
}

/** Like the tally of a worker: a list of the requests in flight, oldest first, and numbers in shared memory. */
class Tally implements RequestTally {
  readonly #words = new Float64Array(BOARD_WORDS)
  #oldest: TalliedRequest | undefined
  #newest: TalliedRequest | undefined

  get exceptions(): number {
    return this.#words[0]!
  }

  set exceptions(value: number) {
    this.#words[0] = value
  }

  begin(request: TalliedRequest): void {
    request.previous = this.#newest
    if (this.#newest) this.#newest.next = request
    else this.#oldest = request
    this.#newest = request
    this.#words[1]!++
  }

  end(request: TalliedRequest, nowMs: number): void {
    const { previous, next } = request
    if (previous) previous.next = next
    else this.#oldest = next
    if (next) next.previous = previous
    else this.#newest = previous
    this.#words[1]!--
    this.#words[2]!++
    this.#words[3]! += nowMs - request.startedMs
    this.#words[4] = this.#oldest?.startedMs ?? 0
  }
}

function newApp() {
  return new Elysia({ normalize: false, handler: { standardHostname: false } })
}

/** As in a worker: the numbers are in a segment. The file has no name any more when the process has it mapped. */
function sharedRegistry(): Registry {
  const segment = Segment.create('bench', { slots: 1 })
  segment.remove()
  return new Registry(undefined, segment.writer(0))
}
