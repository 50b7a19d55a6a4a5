/** A worker between its master and the signals that it gets itself. What becomes of it without its master is in master/stop.slow.test.ts. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { childrenOf } from '../shared/procfs.ts'
import { Toys } from '../testdata/toys.ts'

/** Real processes on a machine that may be busy. */
setDefaultTimeout(30_000)

test.concurrent(
  'signals that a terminal sends to the whole process group are left to the master',
  async () => {
    await using cluster = new Toys({ TOYS_WORKERS: '1' })
    const { url } = await cluster.ready()
    const [pid] = await cluster.pids()
    for (const signal of ['SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGTTIN', 'SIGTTOU'] as const) {
      process.kill(pid!, signal)
      expect((await fetch(url, { keepalive: false })).headers.get('x-pid')).toBe(String(pid))
    }
    expect(await cluster.worker(1)).toMatchObject({ pid, respawn_count: 1, accepting: 1 })
    expect(cluster.lines('SIG')).toEqual([])
  },
)

test.concurrent('a second SIGTERM to a worker ends its drain at once', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: '1', TOYS_DRAIN_MS: '60000' })
  const { url } = await cluster.ready()
  const [pid] = await cluster.pids()
  const never = fetch(`${url}/never`).catch(() => 'cut off')
  await cluster.line('asked /never')
  process.kill(pid!, 'SIGTERM')
  await cluster.until(
    'the successor',
    ({ workers }) => workers[0]!.pid !== pid && workers[0]!.accepting === 1,
  )
  process.kill(pid!, 'SIGTERM')
  // The time limit of this test is shorter than the drain time.
  expect(await never).toBe('cut off')
  expect(await cluster.line('requests were cut off')).toMatchObject({ worker: 1, inFlight: 1 })
  await cluster.line('worker 1 ended (signal)')
})

test.concurrent('a second SIGTERM to the worker that runs the migrations cuts them off', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: '1', TOY_MIGRATION: 'endless', TOYS_DRAIN_MS: '60000' })
  await cluster.line('migrating')
  const [pid] = childrenOf(cluster.pid)
  process.kill(pid!, 'SIGTERM')
  await cluster.line('stopping when the migrations are done')
  process.kill(pid!, 'SIGTERM')
  // The time limit of this test is shorter than the drain time.
  await cluster.line('the migrations were cut off')
  await cluster.line('worker 1 ended')
})

test.concurrent('a worker whose app cannot close its resources ends with 1', async () => {
  await using cluster = new Toys({ TOYS_WORKERS: '1', TOY_CLOSE: '' })
  await cluster.ready()
  process.kill((await cluster.pids())[0]!, 'SIGTERM')
  await cluster.line('worker 1 ended with exit code 1 (signal)')
})
