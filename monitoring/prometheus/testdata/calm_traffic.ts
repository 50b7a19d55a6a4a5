/** Traffic that looks like trouble. No alert may fire. */

import { busy, type CalmStory, isAt } from './stories.ts'

export const calmTraffic: readonly CalmStory[] = [
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
    claim:
      'after an empty night there is a request every four seconds: one of the first fails, and one is slow',
    minutes: 30,
    each: (stack, seconds) => {
      if (seconds < 600) return
      const isFirst = isAt(seconds, 650)
      stack.request('dogs', { count: isFirst ? 1 : 3 })
      if (isFirst) stack.request('dogs', { count: 1, status: 500 })
      if (isFirst) stack.request('dogs', { count: 1, seconds: 2 })
    },
  },
  {
    claim: 'the edge has just the least number of requests, one in ten seconds, and all fail for a while',
    minutes: 14,
    each: (stack, seconds) => stack.request(seconds % 20 === 0 ? 'dogs' : 'cats', { count: 1, status: 500 }),
  },
  {
    claim: 'a new route gets requests, some of them for what is not there',
    each: (stack, seconds) => {
      busy(stack)
      if (seconds < 300) return
      stack.request('dogs', { count: 50, route: 'dogs-v2' })
      stack.request('dogs', { count: 5, status: 404, route: 'dogs-v2' })
    },
  },
  {
    claim: 'one route of two is slow, within what the objective allows',
    each: (stack) => {
      stack.request('dogs', { count: 100 })
      stack.request('dogs', { count: 2, seconds: 0.9, route: 'dogs-report' })
    },
  },
  {
    claim: 'an upload to dogs takes nine minutes',
    minutes: 12,
    each: (stack, seconds) => {
      busy(stack)
      const age = isAt(seconds, 60, 600) ? seconds - 60 : 0
      stack.exported('dogs', 'prefork_worker_oldest_request_seconds', { worker: '1' }, age)
    },
  },
  {
    claim: 'a night with a request every ten minutes, one of which fails, and one takes 20 s',
    minutes: 37,
    each: (stack, seconds) => {
      if (seconds % 600 !== 300) return
      stack.request('dogs', {
        count: 1,
        status: isAt(seconds, 1500) ? 500 : 200,
        seconds: isAt(seconds, 2100) ? 20 : 0.004,
      })
    },
  },
  {
    claim: 'clients break off half of all requests, and nine of ten of the rest are above their rate',
    minutes: 12,
    each: (stack) => {
      busy(stack)
      stack.requests({ count: 1000, status: 499 })
      stack.requests({ count: 900, status: 429 })
    },
  },
  {
    claim: 'a long poll of 30 s after the other, beside other requests',
    minutes: 12,
    each: (stack, seconds) => {
      busy(stack)
      if (seconds % 30 === 0) stack.request('dogs', { count: 1, seconds: 30, route: 'dogs-events' })
    },
  },
  {
    claim: 'the first ten requests of a fresh stack get 503 while the services start',
    age: 5,
    minutes: 12,
    each: (stack, seconds) => {
      if (isAt(seconds, 10)) stack.requests({ count: 5, status: 503 })
      if (seconds > 20) busy(stack)
    },
  },
  {
    claim: 'PostgreSQL restarts within 3 s: the statements of that time fail',
    minutes: 12,
    each: (stack, seconds) => {
      const failed = isAt(seconds, 300) ? 30 : 0
      stack.request('cats', { count: 100 })
      stack.request('dogs', { count: 100 - failed })
      stack.request('dogs', { count: failed, status: 503 })
      const [dogs] = stack.of('dogs')
      dogs!.set('db_client_connection_count', { state: 'idle' }, failed > 0 ? 0 : 4)
      dogs!.add('db_client_operation_errors_total', { error_type: '57P01' }, failed)
    },
  },
  {
    claim: 'one of forty statements of a service with few requests fails',
    minutes: 20,
    each: (stack, seconds) => {
      stack.request('dogs', { count: 1.4 })
      const [dogs] = stack.of('dogs')
      dogs!.add('db_client_operation_errors_total', { error_type: 'Error' }, isAt(seconds, 600) ? 1 : 0)
    },
  },
]
