/** The master's decisions when the cluster changes, case by case: reload, scaling, stop. */
import { describe, expect, test } from 'bun:test'
import { actionsOf, draining, NOW_MS, ready, starting, type Topic } from './testing_decide.ts'

describe.each<Topic>([
  [
    'reloading',
    [
      [
        'the first new worker runs the migrations',
        {
          slots: [[ready], [ready]],
          cluster: { generation: 2, isPrepared: false, reload: { from: 1, isAskedAgain: false } },
        },
        ['spawn 1 in 1 to prepare for 11 (reload)'],
      ],
      [
        'the next replacement begins when the last one is ready',
        {
          slots: [[{ reason: 'reload' }, { generation: 2 }], [ready]],
          cluster: { generation: 2, reload: { from: 1, isAskedAgain: false } },
        },
        ['drain 11 (reload) replaced', 'spawn 2 in 3 for 21 (reload)'],
      ],
      [
        'and not before',
        {
          slots: [[ready, { ...starting, generation: 2 }], [ready]],
          cluster: { generation: 2, reload: { from: 1, isAskedAgain: false } },
        },
        [],
      ],
      [
        'a reload ends when all serve the new code, although old workers still drain',
        {
          slots: [
            [draining, { generation: 2 }],
            [draining, { generation: 2 }],
          ],
          cluster: { generation: 2, reload: { from: 1, isAskedAgain: false } },
        },
        ['endReload'],
      ],
      [
        'a reload waits for a slot whose regions are both in use',
        {
          slots: [[draining, ready], [{ generation: 2 }]],
          cluster: { generation: 2, reload: { from: 1, isAskedAgain: false } },
        },
        [],
      ],
      [
        'it ends the wait for silent clients where it needs their region',
        {
          slots: [[{ ...draining, isReplaced: true }, ready], [{ generation: 2 }]],
          cluster: { generation: 2, reload: { from: 1, isAskedAgain: false } },
        },
        ['drain 11 (reload)'],
      ],
      [
        'a worker that is recycled does not end that wait',
        {
          slots: [[{ ...draining, isReplaced: true }, ready], [{ spawnedMs: NOW_MS }]],
          policy: { maxLifetimeMs: 5000 },
        },
        [],
      ],
      [
        'a worker that was ended from outside is told when its successor is ready',
        { slots: [[{ ...draining, reason: 'signal', isReplaced: undefined }, ready], [ready]] },
        ['drain 11 (signal) replaced'],
      ],
      [
        'and not before',
        { slots: [[{ ...draining, reason: 'signal', isReplaced: undefined }, starting], [ready]] },
        [],
      ],
      [
        'it does not end while a slot has no worker that is ready',
        {
          slots: [[{ ...starting, generation: 2 }], [{ generation: 2 }]],
          cluster: { generation: 2, reload: { from: 1, isAskedAgain: false } },
        },
        [],
      ],
      [
        'nor while an old worker serves beside the new one',
        {
          slots: [[{ reason: 'reload' }, { generation: 2 }], [{ generation: 2 }]],
          cluster: { generation: 2, reload: { from: 1, isAskedAgain: false } },
        },
        ['drain 11 (reload) replaced'],
      ],
      [
        'a surplus worker is not replaced, and does not delay the end',
        {
          wanted: 1,
          slots: [[{ generation: 2 }], [ready]],
          cluster: { generation: 2, reload: { from: 1, isAskedAgain: false } },
        },
        ['drain 21 (scale) replaced', 'endReload'],
      ],
      [
        'after an abandoned reload newer workers stay',
        { slots: [[{ generation: 2 }], [ready]], cluster: { generation: 1, lastGeneration: 2 } },
        [],
      ],
    ],
  ],
  [
    'scaling',
    [
      ['up', { wanted: 3, slots: [[ready], [ready]] }, ['spawn 3 in 4']],
      ['down', { wanted: 1, slots: [[ready], [ready]] }, ['drain 21 (scale) replaced']],
      [
        'down while the surplus worker runs the migrations: no other begins them meanwhile',
        {
          wanted: 1,
          slots: [[], [{ ...draining, reason: 'scale', isPreparing: true }]],
          cluster: { isPrepared: false },
        },
        [],
      ],
      [
        'down while the surplus worker boots',
        { wanted: 1, slots: [[ready], [starting]] },
        ['kill 21 (scale)'],
      ],
    ],
  ],
  [
    'stopping',
    [
      [
        'all drain',
        { slots: [[ready], [ready]], cluster: { isStopping: true } },
        ['drain 11 (stop)', 'drain 21 (stop)'],
      ],
      [
        'a worker that runs the migrations may finish them',
        {
          slots: [[{ ...starting, isPreparing: true }], []],
          cluster: { isStopping: true, isPrepared: false },
        },
        ['drain 11 (stop)'],
      ],
      [
        'and is told once',
        { slots: [[{ ...draining, isPreparing: true, isReplaced: false }]], cluster: { isStopping: true } },
        [],
      ],
      [
        'it has no heartbeat, but a deadline',
        {
          slots: [
            [{ ...draining, isPreparing: true, deadlineMs: NOW_MS }],
            [{ ...draining, isPreparing: true }],
          ],
          vitals: { 21: { heartbeatAgeMs: 1e9 } },
          cluster: { isStopping: true },
        },
        ['kill 11 (reload)'],
      ],
      [
        'a worker that is not ready is killed',
        { slots: [[starting], [ready]], cluster: { isStopping: true } },
        ['kill 11 (stop)', 'drain 21 (stop)'],
      ],
      [
        'a draining worker no longer waits for silent clients or its successor',
        {
          wanted: 3,
          slots: [[{ ...draining, isReplaced: true }], [{ ...draining, isReplaced: undefined }], [draining]],
          cluster: { isStopping: true },
        },
        ['drain 11 (reload)', 'drain 21 (reload)'],
      ],
      ['no worker is spawned', { slots: [[], [draining]], cluster: { isStopping: true } }, []],
      ['the cluster ends with its last worker', { slots: [[], []], cluster: { isStopping: true } }, ['exit']],
    ],
  ],
])('%s', (_, cases) => {
  test.each(cases)('%s', (_what, given, actions) => expect(actionsOf(given)).toEqual(actions))
})
