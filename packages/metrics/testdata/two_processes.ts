/** Two processes, one page: run it with `bun packages/metrics/testdata/two_processes.ts`. */
import { Counter, Registry, Segment } from '../index.ts'

const path = process.argv[2]
const segment = path === undefined ? Segment.create('example', { slots: 2 }) : Segment.open(path)
const region = path === undefined ? segment.masterRegion : 0
const registry = new Registry(Registry.PROMETHEUS_CONTENT_TYPE, segment.writer(region))
const events = new Counter({ name: 'events_total', help: 'Events of both', registers: [registry] })
events.inc()

if (path === undefined) {
  await Bun.spawn([process.execPath, import.meta.path, segment.path]).exited
  console.log(await registry.metrics()) // events_total 2
  segment.remove()
}
