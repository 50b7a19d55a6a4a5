/**
 * Events of a stack and the alerts that fire during them. Most are calm that looks like trouble: no alert. The others must raise
 * these alerts and no other.
 */

import { Stack } from './stack.ts'

export type Story = {
  claim: string
  /** `<alert> <severity>`, sorted. */
  fires: readonly string[]
  minutes?: number
  /** Age of all processes at the start in seconds; old by default. */
  age?: number
  replicas?: number
  /** Before each scrape. @returns jobs whose scrape fails, or `skip` when Prometheus is down */
  each: (stack: Stack, seconds: number) => readonly string[] | 'skip' | void
}

/** Traffic of a working day between two scrapes. */
const busy = (stack: Stack) => stack.requests({ count: 100 })
const isAt = (seconds: number, from: number, to = from + 10) => seconds >= from && seconds < to

/** A process is down for a while and then starts again with empty metrics. */
function restarts(stack: Stack, seconds: number, job: string, from: number, to: number): void {
  for (const process of stack.of(job)) {
    if (isAt(seconds, from)) process.isUp = false
    if (isAt(seconds, to)) process.restart(to - 5)
  }
  const { exporter } = stack
  for (const { instance } of job === 'exporter' || !exporter.isUp ? [] : stack.of(job)) {
    if (isAt(seconds, from, to)) exporter.set('exporter_target_up', { target: `http://${instance}/stats` }, 0)
    if (isAt(seconds, to)) exporter.set('exporter_target_up', { target: `http://${instance}/stats` }, 1)
  }
}

export const calm: readonly Omit<Story, 'fires'>[] = [
  { claim: 'a working day', each: busy },
  {
    claim: 'the first requests ever, 20 to each service within one scrape, all 200',
    age: 5,
    each: (stack, seconds) => {
      if (isAt(seconds, 30)) stack.requests({ count: 20 })
    },
  },
  {
    claim: 'every response takes longer than a minute',
    each: (stack, seconds) => {
      stack.gateway.add('gateway_upstream_attempts_total', { upstream: 'dogs' }, 2)
      if (seconds % 90 === 80) {
        stack.request('dogs', { count: 2, seconds: 0.9 })
        stack.gateway.add('gateway_upstream_attempts_total', { upstream: 'dogs' }, -2)
      }
    },
  },
  { claim: 'an empty night', each: () => {} },
  {
    claim: 'the first request after an empty night is slow, the second one fails',
    each: (stack, seconds) => {
      if (isAt(seconds, 300)) stack.request('dogs', { count: 1, seconds: 2 })
      if (isAt(seconds, 360)) stack.request('dogs', { count: 1, status: 500 })
    },
  },
  {
    claim: 'one of three requests in five minutes fails',
    each: (stack, seconds) => {
      if (seconds % 100 === 0) stack.requests({ count: 1, status: seconds % 300 === 0 ? 500 : 200 })
    },
  },
  {
    claim: 'one scrape of every process is missed',
    each: (stack, seconds) => {
      busy(stack)
      return isAt(seconds, 300) ? ['gateway', 'dogs', 'cats', 'exporter', 'prometheus'] : []
    },
  },
  {
    claim: 'Prometheus is down for six minutes; there were errors before and meanwhile',
    minutes: 16,
    each: (stack, seconds) => {
      busy(stack)
      if (isAt(seconds, 0)) stack.requests({ count: 5000, status: 502 })
      return isAt(seconds, 10, 370) ? 'skip' : []
    },
  },
  {
    claim: 'Prometheus starts with empty storage beside old processes that have seen many errors',
    each: (stack, seconds) => {
      busy(stack)
      if (isAt(seconds, 0)) stack.requests({ count: 5000, status: 503, seconds: 3 })
    },
  },
  ...['gateway', 'dogs', 'cats'].map((job) => ({
    claim: `a reload of ${job}`,
    each: (stack: Stack, seconds: number) => {
      busy(stack)
      for (const worker of ['1', '2']) {
        const at = worker === '1' ? 200 : 210
        stack.exported(job, 'prefork_worker_exits_total', { worker, reason: 'reload' }, seconds >= at ? 1 : 0)
      }
      stack.exported(job, 'prefork_workers', { state: 'ready' }, isAt(seconds, 200, 220) ? 1 : 2)
      stack.exported(job, 'prefork_workers', { state: 'starting' }, isAt(seconds, 200, 220) ? 1 : 0)
      stack.exported(job, 'prefork_reloads_total', { result: 'success' }, seconds >= 220 ? 1 : 0)
    },
  })),
  ...['gateway', 'dogs', 'cats', 'exporter', 'prometheus'].map((job) => ({
    claim: `a deploy of ${job}: 20 s down, counters at 0`,
    each: (stack: Stack, seconds: number) => {
      restarts(stack, seconds, job, 200, 220)
      if (!isAt(seconds, 200, 220)) busy(stack)
    },
  })),
  {
    claim: 'a rolling deploy of three replicas of dogs',
    replicas: 3,
    each: (stack, seconds) => {
      busy(stack)
      for (const [index, process] of stack.of('dogs').entries()) {
        if (isAt(seconds, 200 + 40 * index)) process.isUp = false
        if (isAt(seconds, 220 + 40 * index)) process.restart(seconds - 5)
      }
    },
  },
  {
    claim: 'the machine restarts: everything is down for 40 s and begins at 0',
    each: (stack, seconds) => {
      for (const job of ['gateway', 'dogs', 'cats', 'exporter']) restarts(stack, seconds, job, 200, 240)
      if (isAt(seconds, 200, 240)) return 'skip'
      busy(stack)
      return []
    },
  },
  {
    claim: 'a WebSocket through the gateway for ten minutes',
    minutes: 12,
    each: (stack, seconds) => {
      busy(stack)
      stack.exported(
        'gateway',
        'prefork_worker_oldest_request_seconds',
        { worker: '1' },
        isAt(seconds, 60, 660) ? seconds - 60 : 0,
      )
    },
  },
  {
    claim: 'the listener of another program on the machine overflows',
    each: (stack, seconds) => {
      busy(stack)
      for (const job of ['gateway', 'dogs', 'cats'])
        for (const { instance } of stack.of(job))
          stack.exporter.set(
            'prefork_listen_overflows_total',
            { target: `http://${instance}/stats` },
            seconds,
          )
    },
  },
  {
    claim: 'a ramp of load from nothing to 500 requests per second and back',
    each: (stack, seconds) => stack.requests({ count: Math.max(0, 2500 - 8 * Math.abs(seconds - 300)) }),
  },
  {
    claim: 'a scanner gets 404 for half of all requests',
    each: (stack) => {
      busy(stack)
      stack.requests({ count: 100, status: 404, route: 'unmatched' })
    },
  },
  {
    claim: 'one request in three hundred is slow, one in three thousand fails',
    each: (stack, seconds) => {
      stack.requests({ count: 299 })
      stack.requests({ count: 1, seconds: 0.9 })
      if (seconds % 100 === 0) stack.requests({ count: 1, status: 500 })
    },
  },
  {
    claim: 'every second scrape of dogs is missed',
    each: (stack, seconds) => {
      busy(stack)
      return seconds % 20 === 0 ? ['dogs'] : []
    },
  },
  ...[290, 300, 310].map((missed) => ({
    claim: `the scrape at ${missed} s is missed, while 20 requests are the first of their status`,
    each: (stack: Stack, seconds: number) => {
      busy(stack)
      if (isAt(seconds, 300)) stack.requests({ count: 20, status: 404, route: 'unmatched' })
      return isAt(seconds, missed) ? ['gateway', 'dogs', 'cats'] : []
    },
  })),
  {
    claim: 'Prometheus restarts: two scrapes are missing, and 5 of 500 requests meanwhile fail',
    each: (stack, seconds) => {
      busy(stack)
      if (isAt(seconds, 300)) stack.requests({ count: 5, status: 502 })
      return isAt(seconds, 300, 320) ? 'skip' : []
    },
  },
  {
    claim: 'the first page of dogs after a start has nothing but the time of the start',
    each: (stack, seconds) => {
      const [dogs] = stack.of('dogs')
      if (isAt(seconds, 200)) dogs!.startHalf(195)
      else if (isAt(seconds, 210)) dogs!.restart(195)
      if (!isAt(seconds, 200, 220)) busy(stack)
    },
  },
  {
    claim: 'a deploy of dogs whose new instance starts before the old one ends',
    replicas: 2,
    each: (stack, seconds) => {
      const [before, after] = stack.of('dogs')
      after!.isListed = seconds >= 200
      if (isAt(seconds, 200)) after!.restart(195)
      if (isAt(seconds, 230)) before!.isListed = false
      busy(stack)
    },
  },
  {
    claim: 'replicas of dogs come with the load and go with it',
    replicas: 5,
    minutes: 15,
    each: (stack, seconds) => {
      const wanted = seconds < 300 || seconds > 600 ? 1 : 5
      for (const [index, process] of stack.of('dogs').entries()) {
        const isListed = index < wanted
        if (isListed && !process.isListed) process.restart(seconds - 5)
        process.isListed = isListed
      }
      stack.requests({ count: 100 * wanted })
    },
  },
  {
    claim: 'a WebSocket for half an hour, and no other request',
    minutes: 35,
    each: (stack, seconds) =>
      stack.exported(
        'gateway',
        'prefork_worker_oldest_request_seconds',
        { worker: '1' },
        isAt(seconds, 60, 1860) ? seconds - 60 : 0,
      ),
  },
  {
    claim: 'one request in half an hour, and it fails',
    minutes: 30,
    each: (stack, seconds) => {
      if (isAt(seconds, 900)) stack.request('dogs', { count: 1, status: 500 })
    },
  },
  {
    claim: 'workers are replaced after many requests, and one is killed for its memory',
    each: (stack, seconds) => {
      busy(stack)
      const exits = (worker: string, reason: string, count: number) =>
        stack.exported('dogs', 'prefork_worker_exits_total', { worker, reason }, count)
      exits('1', 'max_requests', Math.floor(seconds / 60))
      exits('2', 'rss', Math.floor(seconds / 90))
      exits('2', 'oom', seconds >= 300 ? 1 : 0)
    },
  },
]

export const trouble: readonly Story[] = [
  {
    claim: '3,000 answers 502 between two scrapes, the first of their kind',
    fires: ['EdgeErrorBudgetBurn page', 'ServiceErrors ticket'],
    each: (stack, seconds) => {
      busy(stack)
      if (isAt(seconds, 300)) stack.request('dogs', { count: 3000, status: 502 })
    },
  },
  {
    claim: 'a fresh stack whose first requests all fail',
    age: 5,
    fires: ['EdgeErrorBudgetBurn page', 'ServiceErrors ticket'],
    each: (stack, seconds) => {
      if (isAt(seconds, 60)) stack.requests({ count: 3000, status: 500 })
    },
  },
  {
    claim: 'every attempt fails from the first one on',
    age: 5,
    fires: ['EdgeErrorBudgetBurn page', 'UpstreamDown page', 'UpstreamNoAnswer ticket'],
    each: (stack, seconds) => {
      if (seconds < 60) return
      const { gateway } = stack
      gateway.add('gateway_upstream_attempts_total', { upstream: 'dogs' }, 50)
      gateway.add(
        'gateway_upstream_request_duration_seconds_count',
        { upstream: 'dogs', http_response_status_code: '0' },
        50,
      )
      gateway.observe(
        'http_server_request_duration_seconds',
        { http_request_method: 'GET', http_response_status_code: '502', http_route: 'dogs' },
        0.01,
        50,
      )
    },
  },
  {
    claim: 'the gateway restarts, and its first page has 3,000 answers 502',
    fires: ['EdgeErrorBudgetBurn page'],
    each: (stack, seconds) => {
      restarts(stack, seconds, 'gateway', 200, 220)
      if (isAt(seconds, 200, 220)) return
      busy(stack)
      if (isAt(seconds, 220))
        stack.gateway.observe(
          'http_server_request_duration_seconds',
          { http_request_method: 'GET', http_response_status_code: '502', http_route: 'dogs' },
          0.01,
          3000,
        )
    },
  },
  {
    claim: 'Prometheus is down for a minute while dogs goes down',
    fires: ['AppDown page', 'ExporterTargetDown ticket', 'TargetDown ticket'],
    each: (stack, seconds) => {
      if (seconds < 200) busy(stack)
      restarts(stack, seconds, 'dogs', 200, 10_000)
      return isAt(seconds, 190, 250) ? 'skip' : []
    },
  },
  {
    claim: 'one request in twelve fails after an empty night',
    fires: ['EdgeErrorBudgetBurn page', 'ServiceErrors ticket'],
    each: (stack, seconds) => {
      if (seconds < 120) return
      stack.request('dogs', { count: 11 })
      stack.request('dogs', { count: 1, status: 500 })
    },
  },
  {
    claim: 'one replica of three is down',
    replicas: 3,
    fires: ['TargetDown ticket'],
    each: (stack, seconds) => {
      busy(stack)
      if (isAt(seconds, 120)) stack.of('dogs')[1]!.isUp = false
    },
  },
  {
    claim: 'the exporter is down',
    fires: ['TargetDown ticket'],
    each: (stack, seconds) => {
      busy(stack)
      if (isAt(seconds, 120)) stack.exporter.isUp = false
    },
  },
  {
    claim: 'two replicas of three are down',
    replicas: 3,
    fires: ['AppDown page', 'TargetDown ticket'],
    each: (stack, seconds) => {
      busy(stack)
      if (isAt(seconds, 120)) for (const process of stack.of('dogs').slice(1)) process.isUp = false
    },
  },
  {
    claim: 'no worker of one replica of three is ready',
    replicas: 3,
    fires: ['NoWorkerReady ticket'],
    each: (stack, seconds) => {
      busy(stack)
      const { instance } = stack.of('dogs')[1]!
      const labels = { app: 'dogs', target: `http://${instance}/stats`, state: 'ready' }
      if (isAt(seconds, 120)) stack.exporter.set('prefork_workers', labels, 0)
    },
  },
  {
    claim: 'the queue of dogs overflows; all targets of the machine count it',
    fires: ['ListenQueueLong ticket', 'ListenQueueOverflow ticket'],
    each: (stack, seconds) => {
      busy(stack)
      stack.exported('dogs', 'prefork_listen_queue_length', { socket: ':1' }, seconds >= 120 ? 513 : 0)
      for (const { instance } of stack.processes.filter(({ job }) =>
        ['gateway', 'dogs', 'cats'].includes(job),
      ))
        stack.exporter.set(
          'prefork_listen_overflows_total',
          { target: `http://${instance}/stats` },
          Math.max(0, seconds - 120),
        )
    },
  },
]

/** The series of a story. */
export function tell({ each, minutes = 9, age, replicas }: Omit<Story, 'fires'>): Stack {
  const stack = new Stack(age, replicas)
  for (let seconds = 0; seconds <= minutes * 60; seconds += 10) {
    const misses = each(stack, seconds) ?? []
    if (misses === 'skip') stack.skip()
    else stack.scrape(misses)
  }
  return stack
}
