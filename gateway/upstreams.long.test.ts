/**
 * One target is healthy; two others fail for a while. Every idempotent request gets its response unless that had begun.
 * No other request is sent twice, and its client gets a documented error.
 */
import { expect, test } from 'bun:test'
import { Load } from '@bun-monitoring/prefork/testing_load'
import { type Fault, FaultyUpstream } from './testdata/faulty.ts'
import { eventually, Stack } from './testdata/stack.ts'

const CONNECTIONS = 16
const METHODS = ['GET', 'POST', 'PUT', 'DELETE'] as const
/** Saves up retries. */
const WARM_UP = 1000
const RESPONSES = 500
/** Longer than all deadlines inside. */
const TEST_MS = 300_000

const BROKEN_OFF = 'the connection was closed in mid-response'
const GONE = '"status":502,"detail":"dogs closed the connection before it answered"}'
const TOO_LATE = '"status":504,"detail":"dogs did not begin to answer in time"}'

/** The fault of two targets, and the allowed results of requests: idempotent ones, and others. */
const CASES: [first: Fault, second: Fault, idempotent: string[], others: string[]][] = [
  ['slow', 'slow', [], []],
  ['refuse', 'refuse', [], [GONE]],
  ['reset', 'reset', [], [GONE]],
  ['break off', 'break off', [BROKEN_OFF], [BROKEN_OFF]],
  ['hang', 'hang', [], [TOO_LATE]],
  ['hang', 'reset', [], [GONE, TOO_LATE]],
  ['slow', 'break off', [BROKEN_OFF], [BROKEN_OFF]],
]

test.each(CASES)(
  'of three targets two %s and %s: idempotent requests succeed, and the rest is not sent twice',
  async (fault, other, idempotent, others) => {
    await using well = await FaultyUpstream.start()
    await using first = await FaultyUpstream.start()
    await using second = await FaultyUpstream.start()
    const all = [well, first, second]
    await using stack = await Stack.before(fileFor(all.map(({ port }) => port)))
    let requests = 0
    await using load = new Load(stack.target, {
      connections: CONNECTIONS,
      methods: METHODS,
      path: () => `/dogs/${requests++}`,
    })
    await load.more(WARM_UP)
    await first.be(fault)
    await second.be(other)
    await load.more(RESPONSES)
    const ejects = ![fault, other].includes('slow')
    if (ejects) await eventually('both are ejected', async () => (await stack.ejected()) === 2)
    await load.more(RESPONSES)
    for (const upstream of [first, second]) await upstream.be('nothing wrong')
    await eventually('both are back', async () => (await stack.ejected()) === 0)
    const before = first.asked.size + second.asked.size
    await eventually('both are asked', () => first.asked.size + second.asked.size > before + 10)
    await load.stop()

    console.log(`${fault}, ${other}: ${load.answered} answered, ${load.failures.length} failed`)
    const timesOf = (request: string) => all.reduce((sum, { asked }) => sum + (asked.get(request) ?? 0), 0)
    const posts = all
      .flatMap(({ asked }) => asked.keys().toArray())
      .filter((request) => request.startsWith('POST'))
    expect(posts.length).toBeGreaterThan(RESPONSES / 4)
    expect(posts.filter((request) => timesOf(request) > 1)).toEqual([])
    const unexpected = load.failures.filter((failure) => {
      const allowed = failure.startsWith('POST: ') ? others : idempotent
      return !allowed.some((end) => failure.endsWith(end))
    })
    expect(unexpected).toEqual([])
    const broken = load.failures.filter((failure) => failure.endsWith(BROKEN_OFF))
    expect(broken.length).toBeLessThanOrEqual(first.broken + second.broken)
  },
  TEST_MS,
)

const fileFor = (ports: readonly number[]) => `
[timeouts]
response_header_ms = 3000
[[upstream]]
name = "dogs"
targets = [${ports.map((port) => `"http://127.0.0.1:${port}"`).join(', ')}]
health = { path = "/healthz", interval_ms = 200, timeout_ms = 300, passes = 1, fails = 2 }

[[route]]
id = "dogs"
path = "/dogs"
upstream = "dogs"
`
