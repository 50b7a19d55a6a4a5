/** Trouble, which raises its own alerts and no other. */

import { busy, isAt, restarts, type Story } from './stories.ts'

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
    claim: 'all containers are created anew with other addresses, and the new dogs have no worker',
    fires: ['NoWorkerReady page', 'UpstreamDown page'],
    // Less than the time for which the values of the old containers can still be seen.
    minutes: 4,
    each: (stack, seconds) => {
      if (isAt(seconds, 90)) {
        stack.moveAll(85)
        stack.exported('dogs', 'prefork_workers', { state: 'ready' }, 0)
        stack.gateway.set('gateway_upstream_targets', { upstream: 'dogs', state: 'healthy' }, 0)
      }
      if (isAt(seconds, 60, 90)) return 'skip'
      stack.request('cats', { count: 100 })
      return []
    },
  },
  {
    claim: 'all requests of a night fail, one in twenty seconds',
    minutes: 30,
    fires: ['EdgeErrorBudgetBurn page'],
    each: (stack, seconds) => {
      if (seconds % 20 === 0) stack.request('dogs', { count: 1, status: 500 })
    },
  },
  {
    claim: 'all requests of a fresh stack fail from its first second on',
    age: 2,
    fires: ['EdgeErrorBudgetBurn page', 'ServiceErrors ticket'],
    each: (stack) => stack.requests({ count: 100, status: 500 }),
  },
  {
    claim: 'every response is a 200 after 10 s',
    minutes: 14,
    fires: ['EdgeLatencyBudgetBurn page', 'ServiceSlow ticket'],
    each: (stack) => stack.requests({ count: 100, seconds: 10 }),
  },
  {
    claim: 'the gateway has been down from the start',
    fires: ['AppDown page', 'TargetDown ticket'],
    each: (stack) => {
      stack.gateway.isUp = false
    },
  },
  {
    claim: 'one route fails, with 1 of 20 requests',
    minutes: 12,
    fires: ['EdgeErrorBudgetBurn page'],
    each: (stack) => {
      stack.requests({ count: 100 })
      stack.request('dogs', { count: 10, status: 500, route: 'dogs-report' })
      stack.request('dogs', { count: 100 })
    },
  },
  {
    claim: 'a worker of dogs crashes again and again, with a wait before each start',
    fires: ['WorkerCrashLooping page'],
    each: (stack, seconds) => {
      busy(stack)
      const crashes = Math.floor(seconds / 60)
      stack.exported('dogs', 'prefork_worker_exits_total', { worker: '1', reason: 'crash' }, crashes)
    },
  },
  {
    claim: 'dogs ends 40 s after each start, and is started again within 30 s',
    minutes: 16,
    fires: ['ProcessRestarting ticket'],
    each: (stack, seconds) => {
      const start = Math.floor(seconds / 70) * 70
      for (const end of [start - 30, start + 40]) restarts(stack, seconds, 'dogs', end, end + 30)
      stack.request('cats', { count: 100 })
      if (stack.of('dogs')[0]!.isUp) stack.request('dogs', { count: 100 })
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
  {
    claim: 'the gateway is gone',
    fires: ['AppDown page', 'ExporterTargetDown ticket', 'TargetDown ticket'],
    each: (stack, seconds) => {
      if (seconds < 120) busy(stack)
      restarts(stack, seconds, 'gateway', 120, 10_000)
    },
  },
  {
    claim: 'one route of two is slow: a fifth of all requests',
    fires: ['EdgeLatencyBudgetBurn page'],
    each: (stack) => {
      stack.request('dogs', { count: 80 })
      stack.request('dogs', { count: 20, seconds: 0.9, route: 'dogs-report' })
    },
  },
  {
    claim: 'half of the workers of dogs are killed once, with requests in flight',
    fires: ['RequestsAbandoned ticket'],
    each: (stack, seconds) => {
      busy(stack)
      const killed = seconds >= 200 ? 1 : 0
      stack.exported('dogs', 'prefork_worker_exits_total', { worker: '1', reason: 'signal' }, killed)
      stack.of('dogs')[0]!.set('http_server_abandoned_requests_total', {}, 3 * killed)
    },
  },
  {
    claim: 'one worker of dogs hangs until its master kills it',
    fires: ['RequestsAbandoned ticket', 'WorkerHarakiri ticket', 'WorkerHung ticket'],
    each: (stack, seconds) => {
      busy(stack)
      const worker = '1'
      const hangs = isAt(seconds, 200, 230)
      const killed = seconds >= 230 ? 1 : 0
      const age = hangs ? seconds - 195 : 0.1
      stack.exported('dogs', 'prefork_worker_heartbeat_age_seconds', { worker }, age)
      stack.exported('dogs', 'prefork_worker_oldest_request_seconds', { worker }, hangs ? age : 0)
      stack.exported('dogs', 'prefork_workers', { state: 'hung' }, hangs ? 1 : 0)
      stack.exported('dogs', 'prefork_workers', { state: 'ready' }, hangs ? 1 : 2)
      stack.exported('dogs', 'prefork_worker_exits_total', { worker, reason: 'harakiri' }, killed)
      stack.of('dogs')[0]!.set('http_server_abandoned_requests_total', {}, killed)
    },
  },
]
