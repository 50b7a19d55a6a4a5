/**
 * `--out prometheus`: what was measured so far, sent every few seconds to Prometheus' remote-write receiver under the names that k6
 * gives it (protocol 1.0: https://prometheus.io/docs/specs/prw/remote_write_spec/).
 */

import { BinaryWriter } from '@bufbuild/protobuf/wire'
import { compress } from 'snappyjs'
import type { Log } from '../shared/log.ts'
import { type MetricName, type Metrics, metricTypes, type Tags, type TagSet } from '../metrics/metrics.ts'
import { type MetricType, newSink, type Sink } from '../metrics/sinks.ts'

const PUSH_EVERY_MS = 5000
const GIVE_UP_AFTER_MS = 5000
const MS_PER_S = 1000

interface RemoteWriteOptions {
  url: string
  /** Statistics of trends, such as `p(99)`. */
  trendStats: readonly string[]
  log: Log
}

interface Stored {
  metric: MetricName
  tags: Tags
  sink: Sink
}

export class RemoteWrite implements AsyncDisposable {
  readonly #options: RemoteWriteOptions
  readonly #series = new Map<MetricName, Map<TagSet, Stored>>()
  readonly #timer: Timer
  readonly #startedMs = performance.now()
  #push: Promise<void> | undefined

  constructor(metrics: Metrics, options: RemoteWriteOptions) {
    this.#options = options
    metrics.listen(({ metric, value, tagSet }) => this.#sinkOf(metric, tagSet).add(value))
    this.#timer = setInterval(() => (this.#push ??= this.#send()), PUSH_EVERY_MS)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await this.#push
    await this.#send()
  }

  #sinkOf(metric: MetricName, tagSet: TagSet): Sink {
    let byTags = this.#series.get(metric)
    if (byTags === undefined) this.#series.set(metric, (byTags = new Map()))
    let stored = byTags.get(tagSet)
    if (stored === undefined) {
      stored = { metric, tags: tagSet.tags, sink: newSink(metricTypes[metric]) }
      byTags.set(tagSet, stored)
    }
    return stored.sink
  }

  /** A push that fails is logged; the next one tells the same and more. */
  async #send(): Promise<void> {
    const { url, trendStats, log } = this.#options
    const nowMs = Date.now()
    const elapsedMs = performance.now() - this.#startedMs
    const stored = [...this.#series.values()].flatMap((byTags) => Array.from(byTags.values()))
    const samples = stored.flatMap((series) => samplesOf(series, trendStats, elapsedMs))
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/x-protobuf',
          'Content-Encoding': 'snappy',
          'X-Prometheus-Remote-Write-Version': '0.1.0',
        },
        body: compress(encode(samples, nowMs)) as Uint8Array<ArrayBuffer>,
        signal: AbortSignal.timeout(GIVE_UP_AFTER_MS),
        ...(isOfThisMachine(url) ? { proxy: false } : {}),
      })
      if (!response.ok) throw new Error(`${response.status} ${(await response.text()).trim()}`)
    } catch (error) {
      log('error', `cannot write to Prometheus at ${url}: ${(error as Error).message}`)
    } finally {
      this.#push = undefined
    }
  }
}

/** As in k6, addresses of the machine itself are asked without the proxy of the environment. */
const isOfThisMachine = (url: string): boolean => /^(localhost|127\..*|\[::1\])$/.test(new URL(url).hostname)

interface PrometheusSample {
  name: string
  tags: Tags
  value: number
}

const suffixes: Readonly<Record<Exclude<MetricType, 'trend'>, [suffix: string, value: string]>> = {
  counter: ['_total', 'count'],
  gauge: ['', 'value'],
  rate: ['_rate', 'rate'],
}

/** k6's names: `k6_http_reqs_total`, `k6_checks_rate`, `k6_vus`, `k6_http_req_duration_p99`, durations in seconds. */
function samplesOf(
  { metric, tags, sink }: Stored,
  trendStats: readonly string[],
  elapsedMs: number,
): PrometheusSample[] {
  const type: MetricType = metricTypes[metric]
  if (type === 'trend')
    return Object.entries(sink.values(trendStats, elapsedMs)).map(([stat, ms]) => {
      const name = `k6_${metric}_${stat.replaceAll(/[()]/g, '').replace('.', '_')}`
      return { name, tags, value: ms / MS_PER_S }
    })
  const [suffix, value] = suffixes[type]
  return [{ name: `k6_${metric}${suffix}`, tags, value: sink.values([], elapsedMs)[value]! }]
}

/** A `prometheus.WriteRequest`. Labels are sorted, as the receiver wants them. */
function encode(samples: readonly PrometheusSample[], timestampMs: number): Uint8Array {
  const writer = new BinaryWriter()
  for (const { name, tags, value } of samples) {
    field(writer, 1).fork() // timeseries
    for (const [label, text] of Object.entries({ __name__: name, ...tags }).toSorted(byName)) {
      field(writer, 1).fork() // labels
      field(writer, 1).string(label)
      field(writer, 2).string(text)
      writer.join()
    }
    field(writer, 2).fork() // samples
    writer.tag(1, WIRE_FIXED64).double(value)
    writer.tag(2, WIRE_VARINT).int64(timestampMs)
    writer.join()
    writer.join()
  }
  return writer.finish()
}

const WIRE_VARINT = 0
const WIRE_FIXED64 = 1
const WIRE_LENGTH = 2
const field = (writer: BinaryWriter, number: number) => writer.tag(number, WIRE_LENGTH)
const byName = ([a]: [string, string], [b]: [string, string]) => (a < b ? -1 : 1)
