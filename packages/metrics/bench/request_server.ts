/**
 * The server that request.bench.ts loads: one route over one prepared statement, measured in the way that its argument
 * names. It says on standard output which port it has.
 */
import { Database } from 'bun:sqlite'
import { Elysia } from 'elysia'
import * as stock from 'prom-client'
import { httpMetrics } from '../elysia.ts'
import { HTTP_DURATION_BUCKETS } from '../http.ts'
import { Registry } from '../registry.ts'
import { Segment } from '../segment.ts'
import { DatabaseMetrics } from '../sqlite.ts'

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

const variants = { bare, ours, http, database, 'prom-client': promClient }

const app = variants[Bun.argv[2] as Variant]()
const server = Bun.serve({ port: 0, hostname: '127.0.0.1', development: false, fetch: app.fetch })
console.log(server.port)

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
function promClient() {
  const duration = new stock.Histogram({
    name: 'http_server_request_duration_seconds',
    help: 'Time of a request',
    labelNames: ['method', 'route', 'status'],
    buckets: [...HTTP_DURATION_BUCKETS],
  })
  const active = new stock.Gauge({
    name: 'http_server_active_requests',
    help: 'In flight',
    labelNames: ['method'],
  })
  const asked = new stock.Histogram({
    name: 'db_client_operation_duration_seconds',
    help: 'Time of one database operation',
    labelNames: ['system', 'operation', 'collection'],
    buckets: [0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10],
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

function newApp() {
  return new Elysia({ normalize: false, handler: { standardHostname: false } })
}

/** As in a worker: the numbers are in a segment. The file has no name any more when the process has it mapped. */
function sharedRegistry(): Registry {
  const segment = Segment.create('bench', { slots: 1 })
  segment.remove()
  return new Registry(undefined, segment.writer(0))
}
