import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { expect, jest, spyOn, test } from 'bun:test'
import { uncompress } from 'snappyjs'
import { Metrics } from '../metrics/metrics.ts'
import { openOutputs } from './outputs.ts'
import { RemoteWrite } from './remote_write.ts'

interface Received {
  headers: Headers
  series: { labels: Record<string, string>; value: number; timestampMs: number }[]
}

/** A receiver, which answers with these statuses in turn. */
function receive(...statuses: number[]) {
  const received: Received[] = []
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const bytes = uncompress(new Uint8Array(await request.arrayBuffer()))
      received.push({
        headers: request.headers,
        series: fieldsOf(bytes).map(([, series]) => decode(series as Uint8Array)),
      })
      return new Response('why not', { status: statuses.shift() ?? 204 })
    },
  })
  return { received, url: `${server.url}api/v1/write`, [Symbol.dispose]: () => void server.stop(true) }
}

function fieldsOf(bytes: Uint8Array): [number: number, value: unknown][] {
  const reader = new BinaryReader(bytes)
  const fields: [number, unknown][] = []
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag()
    const value =
      type === WireType.LengthDelimited
        ? reader.bytes()
        : type === WireType.Bit64
          ? reader.double()
          : Number(reader.int64())
    fields.push([number, value])
  }
  return fields
}

function decode(series: Uint8Array): Received['series'][number] {
  const fields = fieldsOf(series)
  const text = (value: unknown) => new TextDecoder().decode(value as Uint8Array)
  const labels = fields
    .filter(([number]) => number === 1)
    .map(([, label]) => fieldsOf(label as Uint8Array).map(([, value]) => text(value)) as [string, string])
  const [, sample] = fields.find(([number]) => number === 2)!
  const [[, value], [, timestampMs]] = fieldsOf(sample as Uint8Array) as [[1, number], [2, number]]
  expect(labels.map(([name]) => name)).toEqual(labels.map(([name]) => name).toSorted())
  return { labels: Object.fromEntries(labels), value, timestampMs }
}

const log: string[] = []
const open = (metrics: Metrics, url: string, ...trendStats: string[]) =>
  new RemoteWrite(metrics, { url, trendStats, log: (_, message) => log.push(message) })

test("each metric and set of tags is a series under k6's name, durations in seconds", async () => {
  using receiver = receive()
  const metrics = new Metrics()
  metrics.runTags = { shape: 'smoke' }
  const output = open(metrics, receiver.url, 'p(99)', 'p(99.9)', 'avg')
  const list = metrics.tagSet({ op: 'list' })
  metrics.add('http_reqs', 1, list)
  metrics.add('http_reqs', 1, list)
  metrics.add('http_reqs', 1, metrics.tagSet({ op: 'create' }))
  metrics.add('http_req_duration', 2000, list)
  metrics.add('http_req_failed', 1, list)
  metrics.add('http_req_failed', 0, list)
  metrics.add('vus', 7, metrics.tagSet({}))
  const beforeMs = Date.now()
  await output[Symbol.asyncDispose]()

  const [{ headers, series }] = receiver.received as [Received]
  const shared = { shape: 'smoke', op: 'list' }
  const found = series.map(({ labels, value }) => [labels, Number(value.toPrecision(3))])
  expect(found.toSorted((a, b) => Bun.inspect(a).localeCompare(Bun.inspect(b)))).toEqual(
    [
      [{ __name__: 'k6_http_reqs_total', ...shared }, 2],
      [{ __name__: 'k6_http_reqs_total', ...shared, op: 'create' }, 1],
      [{ __name__: 'k6_http_req_duration_p99', ...shared }, 2],
      [{ __name__: 'k6_http_req_duration_p99_9', ...shared }, 2],
      [{ __name__: 'k6_http_req_duration_avg', ...shared }, 2],
      [{ __name__: 'k6_http_req_failed_rate', ...shared }, 0.5],
      [{ __name__: 'k6_vus', shape: 'smoke' }, 7],
    ].toSorted((a, b) => Bun.inspect(a).localeCompare(Bun.inspect(b))) as typeof found,
  )
  for (const { timestampMs } of series) {
    expect(timestampMs).toBeGreaterThanOrEqual(beforeMs)
    expect(timestampMs).toBeLessThanOrEqual(Date.now())
  }
  expect(headers.get('content-encoding')).toBe('snappy')
  expect(headers.get('content-type')).toBe('application/x-protobuf')
  expect(headers.get('x-prometheus-remote-write-version')).toBe('0.1.0')
})

test('a receiver that refuses, or is not there, is told in the log', async () => {
  using receiver = receive(400)
  for (const [url, message] of [
    [receiver.url, `cannot write to Prometheus at ${receiver.url}: 400 why not`],
    ['http://127.0.0.1:1/', 'cannot write to Prometheus at http://127.0.0.1:1/: '],
  ] as const) {
    log.length = 0
    await open(new Metrics(), url)[Symbol.asyncDispose]()
    expect(log).toEqual([expect.stringContaining(message)])
  }
})

test('numbers are sent every five seconds and in the end, one request at a time', async () => {
  jest.useFakeTimers()
  let inFlight = 0
  const counts: number[] = []
  let answer = Promise.withResolvers<Response>()
  using sent = spyOn(globalThis, 'fetch').mockImplementation((async () => {
    counts.push(++inFlight)
    return answer.promise.finally(() => inFlight--)
  }) as never)
  const settle = async () => {
    answer.resolve(new Response())
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
    answer = Promise.withResolvers()
  }
  const output = open(new Metrics(), 'http://127.0.0.1:1/')
  jest.advanceTimersByTime(4999)
  expect(sent).toHaveBeenCalledTimes(0)
  jest.advanceTimersByTime(1)
  expect(sent).toHaveBeenCalledTimes(1)
  // The receiver has not answered: the next push waits for its turn.
  jest.advanceTimersByTime(5000)
  expect(sent).toHaveBeenCalledTimes(1)
  await settle()
  jest.advanceTimersByTime(5000)
  expect(sent).toHaveBeenCalledTimes(2)
  const ended = output[Symbol.asyncDispose]()
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  expect(sent).toHaveBeenCalledTimes(2)
  await settle()
  expect(sent).toHaveBeenCalledTimes(3)
  await settle()
  await ended
  jest.advanceTimersByTime(20_000)
  expect(sent).toHaveBeenCalledTimes(3)
  expect(Math.max(...counts)).toBe(1)
  jest.useRealTimers()
})

test('an output that is not known is refused', () => {
  expect(openOutputs(['cloud'], new Metrics(), () => {})).rejects.toThrow(
    'this runner does not have the output cloud: run it with k6',
  )
})

test('Prometheus on this machine is asked without the proxy of the environment, and on another one through it', async () => {
  const through: string[] = []
  using receiver = receive()
  await using proxy = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request) {
      through.push(request.url)
      return new Response()
    },
  })
  const before = Bun.env.http_proxy
  Bun.env.http_proxy = `${proxy.url}`
  try {
    for (const url of [receiver.url, 'http://prometheus.example/write']) {
      const metrics = new Metrics()
      await using _ = open(metrics, url)
      metrics.add('iterations', 1, metrics.tagSet({}))
    }
  } finally {
    if (before === undefined) delete Bun.env.http_proxy
    else Bun.env.http_proxy = before
  }
  expect(receiver.received).toHaveLength(1)
  expect(through).toEqual(['http://prometheus.example/write'])
})
