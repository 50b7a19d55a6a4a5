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
