/**
 * A stack as Prometheus sees it: processes with counters and gauges, scraped every 10 s. A story changes it over time; the
 * result is series for promtool. For tables of events that must or must not raise alerts.
 */

import { stack } from '../../stack.ts'
import { type Labels, of, SCRAPE_SECONDS, type Series } from './series.ts'

const STATES = ['starting', 'ready', 'busy', 'draining', 'hung', 'dead', 'cheap']
const EXITS = ['crash', 'signal', 'oom', 'harakiri', 'max_requests', 'max_lifetime', 'rss', 'reload', 'scale']
const BOUNDS = ['0.005', '0.1', '0.25', '1', '2.5', '+Inf']
const WORKERS = ['1', '2']
const duration = 'http_server_request_duration_seconds'
/** Processes are this old when a story begins, unless it says otherwise. */
const OLD_SECONDS = 100_000

export type Traffic = { status?: number; seconds?: number; count: number; route?: string }

/** A process with an address of its own. Its metrics begin anew when it starts again. */
class Process {
  isUp = true
  /** Whether it is a target: a replica that does not exist yet is not. */
  isListed = true
  readonly metrics = new Map<string, number>()

  constructor(
    readonly job: string,
    public instance: string,
    public startedAt: number,
  ) {
    this.restart(startedAt)
  }

  get labels(): Labels {
    return { job: this.job, instance: this.instance }
  }

  restart(atSeconds: number): void {
    this.isUp = true
    this.startedAt = atSeconds
    this.metrics.clear()
    this.set('process_start_time_seconds', {}, atSeconds)
    this.set('process_master_open_fds', {}, 20)
    this.set('process_max_fds', {}, 1000)
    for (const name of [
      'http_server_abandoned_requests_total',
      'metrics_dropped_series_total',
      'metrics_conflicting_families',
      'metrics_damaged_regions',
    ])
      this.set(name, {}, 0)
    if (this.job === 'gateway') this.#beginGateway()
    else if (this.job !== 'exporter') this.#beginService()
  }

  /** Starts again under another address. */
  move(atSeconds: number): void {
    this.instance = `new-${this.instance}`
    this.restart(atSeconds)
  }

  /** The page of a process that is still starting: it has nothing but its start. */
  startHalf(atSeconds: number): void {
    this.restart(atSeconds)
    this.metrics.clear()
    this.set('process_start_time_seconds', {}, atSeconds)
  }

  /** Goes on under another name: this address instead of that of the other process. */
  takeOver(other: Process): void {
    this.metrics.clear()
    for (const [series, value] of other.metrics)
      this.metrics.set(series.replace(`"${other.instance}"`, `"${this.instance}"`), value)
  }

  set(metric: string, labels: Labels, value: number): void {
    this.metrics.set(of(metric, this.labels, labels), value)
  }

  add(metric: string, labels: Labels, value: number): void {
    const series = of(metric, this.labels, labels)
    this.metrics.set(series, (this.metrics.get(series) ?? 0) + value)
  }

  observe(metric: string, labels: Labels, seconds: number, count: number): void {
    this.add(`${metric}_count`, labels, count)
    for (const le of BOUNDS)
      this.add(
        `${metric}_bucket`,
        { ...labels, le },
        seconds <= Number(le.replace('+Inf', 'Infinity')) ? count : 0,
      )
  }

  #beginGateway(): void {
    this.set('gateway_rejections_total', { reason: 'framing' }, 0)
    for (const upstream of stack.services) {
      this.set('gateway_upstream_attempts_total', { upstream }, 0)
      this.set('gateway_upstream_queue_length', { upstream }, 0)
      this.set(
        'gateway_upstream_request_duration_seconds_count',
        { upstream, http_response_status_code: '0' },
        0,
      )
      for (const reason of ['stale', 'gone', 'answer_timeout'])
        this.set('gateway_upstream_retries_total', { upstream, reason }, 0)
      for (const result of ['ok', 'failed', 'timeout'])
        this.set('gateway_upstream_connects_total', { upstream, result }, 0)
      for (const state of ['healthy', 'ejected', 'slow_start'])
        this.set('gateway_upstream_targets', { upstream, state }, state === 'healthy' ? 1 : 0)
    }
  }

  #beginService(): void {
    this.set('db_migrations_unapplied', {}, 0)
    this.set('db_client_operation_duration_seconds_count', {}, 0)
  }
}

export class Stack {
  now = 0
  readonly processes: Process[]
  readonly exporter: Process
  readonly gateway: Process
  readonly #values = new Map<string, (number | '_' | 'stale')[]>()
  #scrapes = 0

  /** @param ageSeconds of all processes at the start */
  constructor(ageSeconds = OLD_SECONDS, replicas = 1) {
    const start = (job: string, instance = `${job}:1`) => new Process(job, instance, -ageSeconds)
    const services = stack.services.flatMap((job) =>
      Array.from({ length: replicas }, (_, index) => start(job, `${job}${index || ''}:1`)),
    )
    this.gateway = start('gateway')
    this.exporter = start('exporter')
    this.processes = [this.gateway, ...services, this.exporter, start('prometheus')]
    this.#beginExported()
  }

  /** All processes but Prometheus start again under other addresses, as containers that are created anew. */
  moveAll(atSeconds: number): void {
    for (const process of this.processes) {
      if (process.job === 'prometheus') process.restart(atSeconds)
      else process.move(atSeconds)
    }
    this.#beginExported()
  }

  of(job: string): Process[] {
    return this.processes.filter((process) => process.job === job)
  }

  /** Requests through the gateway to a service; all its replicas share them. */
  request(service: string, { status = 200, seconds = 0.004, count, route = service }: Traffic): void {
    const labels = { http_request_method: 'GET', http_response_status_code: String(status) }
    const replicas = this.of(service).filter(({ isUp, isListed }) => isUp && isListed)
    this.gateway.observe(duration, { ...labels, http_route: route }, seconds, count)
    this.gateway.add('gateway_upstream_attempts_total', { upstream: service }, count)
    this.gateway.add(
      'gateway_upstream_request_duration_seconds_count',
      { upstream: service, http_response_status_code: String(status) },
      count,
    )
    for (const replica of replicas) {
      replica.observe(duration, { ...labels, http_route: `/${service}/` }, seconds, count / replicas.length)
      replica.add('db_client_operation_duration_seconds_count', {}, count / replicas.length)
    }
  }

  /** Requests to dogs and cats. */
  requests(traffic: Traffic): void {
    for (const service of ['dogs', 'cats']) this.request(service, traffic)
  }

  /** Sets what the exporter publishes about an app. */
  exported(job: string, metric: string, labels: Labels, value: number): void {
    for (const { instance } of this.of(job))
      this.exporter.set(metric, { app: job, target: targetOf(instance), ...labels }, value)
  }

  /** One scrape of every process, 10 s after the last one. `misses` are the jobs whose scrapes fail. */
  scrape(misses: readonly string[] = []): void {
    for (const process of this.processes.filter(({ isListed }) => isListed)) {
      if (process.isUp) process.observe('runtime_eventloop_lag_seconds', {}, 0.001, 100)
      const isReached = process.isUp && !misses.includes(process.job)
      this.#write(of('up', process.labels), isReached ? 1 : 0)
      if (isReached) for (const [series, value] of process.metrics) this.#write(series, value)
    }
    this.#endScrape()
  }

  /** Prometheus itself is down for a scrape: there is no value of any series, and no sign that it ended. */
  skip(): void {
    for (const values of this.#values.values()) values.push('_')
    this.#scrapes++
    this.now += SCRAPE_SECONDS
  }

  get series(): Series {
    return Object.fromEntries([...this.#values].map(([series, values]) => [series, values.join(' ')]))
  }

  #write(series: string, value: number): void {
    let values = this.#values.get(series)
    if (values === undefined) this.#values.set(series, (values = Array<'_'>(this.#scrapes).fill('_')))
    values.push(value)
  }

  #endScrape(): void {
    this.#scrapes++
    this.now += SCRAPE_SECONDS
    for (const values of this.#values.values()) {
      if (values.length < this.#scrapes) values.push(typeof values.at(-1) === 'number' ? 'stale' : '_')
    }
  }

  #beginExported(): void {
    for (const { job, instance } of this.processes)
      if (job !== 'exporter' && job !== 'prometheus') this.#beginTarget(job, instance)
  }

  #beginTarget(job: string, instance: string): void {
    const labels = { app: job, target: targetOf(instance) }
    const set = (metric: string, more: Labels, value: number) =>
      this.exporter.set(metric, { ...labels, ...more }, value)
    for (const state of STATES) set('prefork_workers', { state }, state === 'ready' ? WORKERS.length : 0)
    for (const worker of WORKERS) {
      for (const reason of EXITS) set('prefork_worker_exits_total', { worker, reason }, 0)
      set('prefork_worker_heartbeat_age_seconds', { worker }, 0.1)
      set('prefork_worker_oldest_request_seconds', { worker }, 0)
      set('prefork_worker_cpu_seconds_total', { worker }, 0)
    }
    for (const result of ['success', 'failure']) set('prefork_reloads_total', { result }, 0)
    set('prefork_listen_queue_length', { socket: ':1' }, 0)
    set('prefork_listen_queue_limit', { socket: ':1' }, 512)
    this.exporter.set('prefork_listen_overflows_total', { target: targetOf(instance) }, 0)
    this.exporter.set('exporter_target_up', { target: targetOf(instance) }, 1)
  }
}

export const targetOf = (instance: string): string => `http://${instance}/stats`
