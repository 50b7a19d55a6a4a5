/** The master's decisions about single workers, case by case. Those about reload, scaling and stop are in decide_change.test.ts. */
import { describe, expect, test } from 'bun:test'
import { actionsOf, draining, killed, NOW_MS, ready, starting, type Topic } from './testing_decide.ts'

describe.each<Topic>([
  [
    'spawning',
    [
      [
        'an empty cluster gets one worker, which runs the migrations',
        { cluster: { isPrepared: false } },
        ['spawn 1 in 0 to prepare'],
      ],
      [
        'no other worker starts during the migrations',
        { slots: [[starting]], cluster: { isPrepared: false } },
        [],
      ],
      [
        'all others start after the migrations',
        { wanted: 3, slots: [[starting]] },
        ['spawn 2 in 2', 'spawn 3 in 4'],
      ],
      ['a complete cluster is left alone', { slots: [[ready], [ready]] }, []],
      ['a dead worker is replaced', { slots: [[], [ready]] }, ['spawn 1 in 0']],
      ['not before its back-off is over', { slots: [[], [ready]], notBeforeMs: NOW_MS + 1 }, []],
      ['and as soon as it is over', { slots: [[], [ready]], notBeforeMs: NOW_MS }, ['spawn 1 in 0']],
      [
        'a worker that drains does not keep another from running the migrations',
        { wanted: 1, slots: [[draining]], cluster: { isPrepared: false } },
        ['spawn 1 in 1 to prepare'],
      ],
      [
        'nor does one of an older generation that boots',
        { slots: [[starting], []], cluster: { isPrepared: false, generation: 2 } },
        ['spawn 2 in 2 to prepare'],
      ],
      ['a draining worker has a successor beside it', { slots: [[draining], [ready]] }, ['spawn 1 in 1']],
      ['there is no third worker: both regions are in use', { slots: [[draining, draining], [ready]] }, []],
      [
        'a killed worker keeps its region until its process has ended',
        { slots: [[killed], [ready]] },
        ['spawn 1 in 1'],
      ],
    ],
  ],
  [
    'time',
    [
      [
        'a blocked event loop is harakiri',
        { slots: [[ready], [ready]], vitals: { 11: { heartbeatAgeMs: 30_001 } } },
        ['kill 11 (harakiri)'],
      ],
      [
        'a slow event loop is not',
        { slots: [[ready], [ready]], vitals: { 11: { heartbeatAgeMs: 30_000 } } },
        [],
      ],
      [
        'the shortest limit holds',
        {
          slots: [[ready], [ready]],
          policy: { harakiriMs: 1 },
          vitals: { 11: { heartbeatAgeMs: 2 }, 21: { heartbeatAgeMs: 1 } },
        },
        ['kill 11 (harakiri)'],
      ],
      [
        'without a limit the event loop may block for ever',
        { slots: [[ready], [ready]], policy: { harakiriMs: 0 }, vitals: { 11: { heartbeatAgeMs: 1e9 } } },
        [],
      ],
      [
        'harakiri applies to a draining worker',
        { slots: [[draining, ready], [ready]], vitals: { 11: { heartbeatAgeMs: 30_001 } } },
        ['kill 11 (harakiri)'],
      ],
      [
        'a worker that is not ready in time is killed',
        { slots: [[{ ...starting, bootsSinceMs: NOW_MS - 60_001 }], [ready]] },
        ['kill 11 (crash)'],
      ],
      ['and not before', { slots: [[{ ...starting, bootsSinceMs: NOW_MS - 60_000 }], [ready]] }, []],
      [
        'the shortest limit of a boot holds',
        { slots: [[{ ...starting, bootsSinceMs: NOW_MS - 2 }], [ready]], policy: { bootTimeoutMs: 1 } },
        ['kill 11 (crash)'],
      ],
      [
        'without a limit a worker may boot for ever',
        { slots: [[{ ...starting, bootsSinceMs: 0 }], [ready]], policy: { bootTimeoutMs: 0 } },
        [],
      ],
      [
        'migrations have no time limit',
        { slots: [[{ ...starting, spawnedMs: 0 }]], cluster: { isPrepared: false } },
        [],
      ],
      [
        'a booting worker has no heartbeat yet',
        { slots: [[starting], [ready]], vitals: { 11: { heartbeatAgeMs: 1e9 } } },
        [],
      ],
      [
        'a worker that does not end its drain is killed',
        { slots: [[{ ...draining, deadlineMs: NOW_MS }, ready], [ready]] },
        ['kill 11 (reload)'],
      ],
      ['and not before', { slots: [[{ ...draining, deadlineMs: NOW_MS + 1 }, ready], [ready]] }, []],
      [
        'no worker is killed twice',
        { slots: [[killed, ready], [ready]], vitals: { 11: { heartbeatAgeMs: 1e9 } } },
        [],
      ],
    ],
  ],
  [
    'recycling',
    [
      [
        'after max_requests',
        {
          slots: [[ready], [ready]],
          policy: { maxRequests: 100 },
          vitals: { 11: { requests: 99 }, 21: { requests: 100 } },
        },
        ['spawn 2 in 3 for 21 (max_requests)'],
      ],
      [
        'after the least max_requests',
        { slots: [[ready], [ready]], policy: { maxRequests: 1 }, vitals: { 21: { requests: 1 } } },
        ['spawn 2 in 3 for 21 (max_requests)'],
      ],
      [
        'not one request before max_requests_delta more in each later slot',
        {
          wanted: 3,
          slots: [[ready], [ready], [ready]],
          policy: { maxRequests: 100, maxRequestsDelta: 10 },
          vitals: { 11: { requests: 99 }, 21: { requests: 109 }, 31: { requests: 119 } },
        },
        [],
      ],
      [
        'but then',
        {
          wanted: 3,
          slots: [[ready], [ready], [ready]],
          policy: { maxRequests: 100, maxRequestsDelta: 10 },
          vitals: { 11: { requests: 99 }, 21: { requests: 109 }, 31: { requests: 120 } },
        },
        ['spawn 3 in 5 for 31 (max_requests)'],
      ],
      [
        'the first slot has no more',
        {
          slots: [[ready], [ready]],
          policy: { maxRequests: 100, maxRequestsDelta: 10 },
          vitals: { 11: { requests: 100 }, 21: { requests: 109 } },
        },
        ['spawn 1 in 1 for 11 (max_requests)'],
      ],
      [
        'by age',
        { slots: [[ready], [ready]], policy: { maxLifetimeMs: 5000 } },
        ['spawn 1 in 1 for 11 (max_lifetime)'],
      ],
      ['not a millisecond earlier', { slots: [[ready], [ready]], policy: { maxLifetimeMs: 5001 } }, []],
      [
        'by the least age',
        { slots: [[{ spawnedMs: NOW_MS }], [{ spawnedMs: NOW_MS - 1 }]], policy: { maxLifetimeMs: 1 } },
        ['spawn 2 in 3 for 21 (max_lifetime)'],
      ],
      [
        'by memory',
        {
          slots: [[ready], [ready]],
          policy: { reloadOnRssBytes: 1000 },
          vitals: { 11: { rssBytes: 999 }, 21: { rssBytes: 1000 } },
        },
        ['spawn 2 in 3 for 21 (rss)'],
      ],
      [
        'by the least memory',
        { slots: [[ready], [ready]], policy: { reloadOnRssBytes: 1 } },
        ['spawn 1 in 1 for 11 (rss)'],
      ],
      ['one at a time', { slots: [[ready, starting], [ready]], policy: { maxLifetimeMs: 1 } }, []],
      [
        'the old worker drains when its successor is ready',
        { slots: [[{ reason: 'rss' }, ready], [ready]] },
        ['drain 11 (rss) replaced'],
      ],
      [
        'not while its slot waits in back-off',
        {
          slots: [[ready], [ready]],
          policy: { reloadOnRssBytes: 1000 },
          vitals: { 11: { rssBytes: 1000 } },
          notBeforeMs: NOW_MS + 1,
        },
        [],
      ],
      [
        'but as soon as the back-off is over',
        {
          slots: [[ready], [ready]],
          policy: { reloadOnRssBytes: 1000 },
          vitals: { 11: { rssBytes: 1000 } },
          notBeforeMs: NOW_MS,
        },
        ['spawn 1 in 1 for 11 (rss)'],
      ],
      [
        'not while both regions are in use',
        { slots: [[draining, ready], [ready]], policy: { maxLifetimeMs: 5000 } },
        ['spawn 2 in 3 for 21 (max_lifetime)'],
      ],
    ],
  ],
])('%s', (_, cases) => {
  test.each(cases)('%s', (_what, given, actions) => expect(actionsOf(given)).toEqual(actions))
})
