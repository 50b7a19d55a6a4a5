/**
 * Compares requests on SQLite and on PostgreSQL, measured in turns: requests per second, CPU time of the service and of
 * PostgreSQL's processes, on one machine that also runs the load. SQLite syncs at checkpoints (synchronous=NORMAL), PostgreSQL
 * at each commit. Run: `bun services/pets/bench/stores.bench.ts` (needs wrk and postgresql).
 */
import { join } from 'node:path'
import { cpuUsOf, load, median, rounded } from '@bun-monitoring/metrics/bench'
import { dogs, postgresDatabase, temporaryDatabase } from '../testing.ts'
import { TestServer } from '../postgres/testing_server.ts'

const ROUNDS = 5
const SECONDS = 2
const CONNECTIONS = 32
const ROWS = 1000

const script = (name: string) => join(import.meta.dir, name)
/** The requests: name, path and wrk script. POST comes last because it adds rows. */
const REQUESTS: [name: string, path: string, script?: string][] = [
  ['GET of one', '/dogs/500/'],
  ['GET of a list of 100, unchanged', '/dogs/'],
  ['GET of a list of 100, built anew', '/dogs/', script('pages.lua')],
  ['POST', '/dogs/', script('post.lua')],
]

await using server = await TestServer.create('on')
await using file = temporaryDatabase()
await using database = await postgresDatabase(Promise.resolve(server))
await using sqlite = dogs({ DOGS_WORKERS: '0', ...file.env })
await using postgres = dogs({ DOGS_WORKERS: '0', ...database.env })
const subjects = [
  { name: 'SQLite', service: sqlite, rows: file },
  { name: 'PostgreSQL', service: postgres, rows: database },
]
for (const { service, rows } of subjects) {
  await service.ready()
  await rows.query(
    `INSERT INTO dogs (name, breed) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS}) SELECT 'dog number ' || i, 'Affenpinscher' FROM n`,
  )
}

const serverCpuUs = () => server.pids.reduce((sum, pid) => sum + cpuUsOf(pid), 0)
const table: Record<string, unknown>[] = []
for (const [what, path, how] of REQUESTS) {
  const results = new Map(
    subjects.map(({ name }) => [
      name,
      { perSecond: [] as number[], cpuUs: [] as number[], serverUs: [] as number[] },
    ]),
  )
  for (let round = 0; round < ROUNDS; round++) {
    for (const { name, service } of subjects) {
      const { url } = await service.ready()
      if (round === 0) await load(url + path, CONNECTIONS, SECONDS, how)
      const [before, serverBefore] = [cpuUsOf(service.pid), serverCpuUs()]
      const requests = await load(url + path, CONNECTIONS, SECONDS, how)
      const result = results.get(name)!
      result.perSecond.push(requests / SECONDS)
      result.cpuUs.push((cpuUsOf(service.pid) - before) / requests)
      result.serverUs.push((serverCpuUs() - serverBefore) / requests)
    }
  }
  for (const [name, { perSecond, cpuUs, serverUs }] of results) {
    table.push({
      request: what,
      on: name,
      'requests/s': Math.round(median(perSecond)),
      'service, CPU us/request': rounded(median(cpuUs), 1),
      'PostgreSQL, CPU us/request': name === 'SQLite' ? 0 : rounded(median(serverUs), 1),
    })
  }
}
console.log(`Medians of ${ROUNDS} rounds of ${SECONDS} s, ${CONNECTIONS} connections, a pool of 5.`)
console.table(table)
