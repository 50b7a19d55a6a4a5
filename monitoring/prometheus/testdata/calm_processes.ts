/** Starts, stops and missed scrapes that look like trouble. No alert may fire. */

import { busy, type CalmStory, isAt, restarts } from './stories.ts'
import { type Stack, targetOf } from './stack.ts'

export const calmProcesses: readonly CalmStory[] = [
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
  ...['gateway', 'dogs', 'cats'].map((job) => ({
    claim: `a deploy of ${job}, which then has another address`,
    each: (stack: Stack, seconds: number) => {
      if (isAt(seconds, 200)) stack.of(job)[0]!.move(195)
      busy(stack)
    },
  })),
  ...['gateway', 'dogs', 'exporter'].map((job) => ({
    claim: `${job} restarts between two scrapes`,
    each: (stack: Stack, seconds: number) => {
      if (isAt(seconds, 300)) stack.of(job)[0]!.restart(295)
      busy(stack)
    },
  })),
  {
    claim: 'two scrapes of every process are missed in a row, and the exporter restarts twice',
    each: (stack, seconds) => {
      busy(stack)
      for (const at of [100, 140]) restarts(stack, seconds, 'exporter', at, at + 20)
      return isAt(seconds, 300, 320) ? ['gateway', 'dogs', 'cats', 'exporter', 'prometheus'] : []
    },
  },
  {
    claim: 'three deploys of dogs within ten minutes',
    minutes: 16,
    each: (stack, seconds) => {
      for (const at of [100, 300, 500]) restarts(stack, seconds, 'dogs', at, at + 20)
      busy(stack)
    },
  },
  {
    claim:
      'a rollout of Kubernetes: each of three pods is replaced by one that is a target before it responds',
    replicas: 4,
    minutes: 12,
    each: (stack, seconds) => {
      busy(stack)
      for (const [index, pod] of stack.of('dogs').entries()) {
        // The last pod is the first new one. Later ones take the places of old ones.
        const startAt = index === 3 ? 100 : 160 + 60 * index
        if (isAt(seconds, startAt)) {
          pod.move(seconds)
          pod.isUp = false
        }
        if (index === 3) pod.isListed = seconds >= startAt
        if (isAt(seconds, startAt + 30)) pod.isUp = true
      }
    },
  },
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
    claim: 'two of three replicas of dogs go down and are scaled away while Prometheus restarts',
    replicas: 3,
    each: (stack, seconds) => {
      busy(stack)
      for (const process of stack.of('dogs').slice(1)) {
        if (isAt(seconds, 200)) process.isUp = false
        if (isAt(seconds, 210)) process.isListed = false
      }
      restarts(stack, seconds, 'prometheus', 210, 230)
      return isAt(seconds, 210, 230) ? 'skip' : []
    },
  },
  {
    claim: 'all containers are created anew with other addresses; the old ones had no worker any more',
    replicas: 2,
    each: (stack, seconds) => {
      if (isAt(seconds, 200)) endsBeforePrometheus(stack)
      if (isAt(seconds, 220)) stack.moveAll(215)
      // promtool evaluates rules in the gap, too: it must be shorter than what they wait for.
      if (isAt(seconds, 210)) return 'skip'
      if (!isAt(seconds, 200)) busy(stack)
      return []
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
  {
    claim: 'a reload of dogs to a version that declares a family differently',
    each: (stack, seconds) => {
      busy(stack)
      stack.of('dogs')[0]!.set('metrics_conflicting_families', {}, isAt(seconds, 200, 230) ? 1 : 0)
    },
  },
  {
    claim: 'the target of dogs gets another name',
    replicas: 2,
    minutes: 12,
    each: (stack, seconds) => {
      const [before, after] = stack.of('dogs')
      after!.isListed = seconds >= 300
      if (isAt(seconds, 0)) stack.request('dogs', { count: 5000, status: 500 })
      if (isAt(seconds, 300)) {
        before!.isListed = false
        after!.takeOver(before!)
      }
      busy(stack)
    },
  },
  // While the clock of the machine is behind, Prometheus drops all samples as too old. promtool evaluates rules also in a gap, where Prometheus does not: it must be shorter than the wait of TargetMissing.
  ...[3, 30].flatMap((scrapes): CalmStory[] => [
    {
      claim: `the clock of the machine is set forward by ${10 * scrapes} s`,
      minutes: 20,
      each: (stack, seconds) => {
        if (isAt(seconds, 400, 400 + 10 * scrapes)) return 'skip'
        traffic(stack)
        return []
      },
    },
    {
      claim: `the clock of the machine is set back by ${10 * scrapes} s`,
      minutes: 20,
      each: (stack, seconds) => {
        for (let scrape = isAt(seconds, 400) ? -scrapes : 0; scrape <= 0; scrape++) traffic(stack)
      },
    },
  ]),
  ...[-600, 600].map((ahead) => ({
    claim: `a deploy of dogs on a machine whose clock is ${ahead} s ahead`,
    minutes: 20,
    each: (stack: Stack, seconds: number) => {
      restarts(stack, seconds, 'dogs', 200, 220)
      if (isAt(seconds, 220)) stack.of('dogs')[0]!.restart(215 + ahead)
      if (!isAt(seconds, 200, 220)) traffic(stack)
    },
  })),
]

/** The values of the last scrape before everything stops. */
function endsBeforePrometheus(stack: Stack): void {
  for (const job of ['gateway', 'dogs', 'cats']) {
    stack.exported(job, 'prefork_workers', { state: 'ready' }, 0)
    stack.exported(job, 'prefork_worker_oldest_request_seconds', { worker: '1' }, 700)
    stack.exported(job, 'prefork_listen_queue_length', { socket: ':1' }, 500)
    for (const process of stack.of(job)) {
      stack.exporter.set('exporter_target_up', { target: targetOf(process.instance) }, 0)
      if (job === 'dogs') process.set('db_client_connection_count', { state: 'idle' }, 0)
      process.isUp = job !== 'cats'
    }
  }
  stack.gateway.set('gateway_upstream_targets', { upstream: 'dogs', state: 'healthy' }, 0)
  stack.gateway.set('gateway_upstream_targets', { upstream: 'dogs', state: 'ejected' }, 2)
}

/** Few requests fail, few are slow. */
function traffic(stack: Stack): void {
  stack.requests({ count: 1999 })
  stack.requests({ count: 1, status: 500 })
  stack.requests({ count: 1, seconds: 0.9 })
}
