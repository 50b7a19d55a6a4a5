/**
 * The same with a segment: two workers count 100 events each, one of them is killed with SIGKILL and replaced, the other one is
 * stopped with SIGSTOP. It prints the page's number after each step.
 */
import { Counter, Registry, Segment } from '../index.ts'

const EVENTS = 100
const [path, region, events] = Bun.argv.slice(2)

if (path === undefined) {
  const segment = Segment.create('compare', { slots: 2 })
  const registry = new Registry(undefined, segment.writer(segment.masterRegion))
  const workers = [await start(segment, 0, EVENTS), await start(segment, 2, EVENTS)]
  const before = await count(registry)
  workers[0]!.kill('SIGKILL')
  await workers[0]!.exited
  workers.push(await start(segment, 0, 0))
  const after = await count(registry)
  workers[1]!.kill('SIGSTOP')
  console.log(JSON.stringify({ before, after, hung: await count(registry) }))
  for (const worker of workers) worker.kill('SIGKILL')
  segment.remove()
} else {
  const registers = [new Registry(undefined, Segment.open(path).writer(Number(region)))]
  new Counter({ name: 'events_total', help: 'Events', registers }).inc(Number(events))
  console.log('counted')
  process.stdin.on('end', () => process.exit()).resume()
}

async function start(segment: Segment, ofRegion: number, count: number) {
  const worker = Bun.spawn(
    [process.execPath, import.meta.path, segment.path, String(ofRegion), String(count)],
    { stdin: 'pipe', stdout: 'pipe' },
  )
  await worker.stdout.getReader().read()
  return worker
}

async function count(registry: Registry): Promise<number> {
  return Number(/^events_total (\d+)$/m.exec(await registry.metrics())?.[1])
}
