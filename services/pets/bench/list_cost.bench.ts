/**
 * Compares the CPU time per request (user and system) of a list of 100 rows with that of one row, measured in turns. Goal: a
 * ratio of at most 1.2. Run: `bun services/pets/bench/list_cost.bench.ts` (needs wrk).
 */
import { median } from '@bun-monitoring/metrics/bench'
import { dogs, temporaryDatabase } from '../testing.ts'
import { type Measurement, measure } from './load.ts'

const ROUNDS = 7
const SECONDS = 2
const CONNECTIONS = 32
const ROWS = 100

await using database = temporaryDatabase()
await using service = dogs({ DOGS_WORKERS: '0', ...database.env })
const { url } = await service.ready()
for (let i = 0; i < ROWS; i++) {
  await fetch(`${url}/dogs/`, {
    method: 'POST',
    body: JSON.stringify({ name: `dog number ${i}`, breed: 'Affenpinscher' }),
  })
}
const listBytes = (await (await fetch(`${url}/dogs/`)).bytes()).length

const subjects = { 'one row': `${url}/dogs/50/`, [`list of ${ROWS}`]: `${url}/dogs/` }
const results: Record<string, Measurement[]> = {}
for (const target of Object.values(subjects)) await measure(service.pid, target, CONNECTIONS, SECONDS)
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, target] of Object.entries(subjects)) {
    ;(results[name] ??= []).push(await measure(service.pid, target, CONNECTIONS, SECONDS))
  }
}

const rows = Object.entries(results).map(([name, measurements]) => ({
  request: name,
  'requests/s (median)': Math.round(median(measurements.map((each) => each.requestsPerSecond))),
  'CPU us/request (median)': Number(median(measurements.map((each) => each.cpuUsPerRequest)).toFixed(2)),
  'lowest and highest': measurements
    .map((each) => each.cpuUsPerRequest.toFixed(1))
    .toSorted((a, b) => Number(a) - Number(b))
    .filter((_, i, all) => i === 0 || i === all.length - 1)
    .join(' to '),
}))
console.table(rows)
const [one, list] = rows.map((row) => row['CPU us/request (median)'])
console.log(`A list of ${ROWS} rows (${listBytes} bytes) costs ${(list! / one!).toFixed(2)} times one row.`)
