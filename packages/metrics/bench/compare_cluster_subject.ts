/**
 * The program that compare.bench.ts measures for node:cluster with prom-client's AggregatorRegistry: two workers count 100 events
 * each, one of them is killed with SIGKILL and replaced, the other one is stopped with SIGSTOP. It prints the page's number after
 * each step.
 */
import cluster from 'node:cluster'
import { once } from 'node:events'
import { AggregatorRegistry, Counter, type PrometheusContentType } from 'prom-client'

const EVENTS = 100

if (cluster.isPrimary) {
  const registry = new AggregatorRegistry<PrometheusContentType>()
  const first = cluster.fork()
  const second = cluster.fork()
  await Promise.all([once(first, 'message'), once(second, 'message')])
  const before = await count(registry)
  process.kill(first.process.pid!, 'SIGKILL')
  await once(cluster, 'exit')
  const third = cluster.fork({ EVENTS: '0' })
  await once(third, 'message')
  const after = await count(registry)
  process.kill(second.process.pid!, 'SIGSTOP')
  const hung = await count(registry).catch((error: Error) => `error: ${error.message}`)
  console.log(JSON.stringify({ before, after, hung }))
  process.kill(second.process.pid!, 'SIGKILL')
  process.exit()
} else {
  // It makes this worker respond to the primary.
  new AggregatorRegistry()
  new Counter({ name: 'events_total', help: 'Events' }).inc(Number(process.env.EVENTS ?? EVENTS))
  process.send!('counted')
}

async function count(registry: AggregatorRegistry<PrometheusContentType>): Promise<number> {
  const page = await registry.clusterMetrics()
  return Number(/^events_total (\d+)$/m.exec(page)?.[1])
}
