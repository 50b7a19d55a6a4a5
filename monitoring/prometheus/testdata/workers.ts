/** Cases for rules/workers.yml: their lives. */

import { type AlertCase, always, app, exits, of, perSecond, state, step } from './series.ts'

const second = { app: 'dogs', target: 'http://dogs2:9001/stats' }
const worker = (name: string) => of(`prefork_worker_${name}`, app, { worker: '2' })

export const workersCases: Record<string, readonly AlertCase[]> = {
  NoWorkerReady: [
    {
      claim: 'no worker of the app for 30 seconds: a page',
      series: {
        [state('ready')]: step(2, 60, 0),
        [state('busy')]: always(0),
        [state('starting')]: always(2),
      },
      looks: { '80s': [], '90s': [{ labels: { app: 'dogs' }, severity: 'page' }] },
    },
    {
      claim: 'no worker of one of two replicas: a ticket',
      series: { [state('ready')]: step(2, 60, 0), [state('ready', second)]: always(1) },
      looks: { '80s': [], '90s': [{ labels: app, severity: 'ticket' }] },
    },
    // Another app is down altogether, and of this one the last worker is in each of the states that count.
    ...['ready', 'busy', 'cheap'].map((last) => ({
      claim: `no worker of one of two replicas, of the other one only a ${last} one: a ticket`,
      series: Object.fromEntries(
        ['ready', 'busy', 'cheap'].flatMap((name) => [
          [state(name), always(0)],
          [state(name, second), always(name === last ? 1 : 0)],
          [state(name, { app: 'cats', target: 'http://cats:9002/stats' }), always(0)],
        ]),
      ),
      looks: {
        '20s': [],
        '30s': [
          { labels: app, severity: 'ticket' },
          { labels: { app: 'cats' }, severity: 'page' },
        ],
      },
    })),
    {
      claim: 'all workers are busy',
      series: { [state('ready')]: always(0), [state('busy')]: always(2) },
      looks: { '15m': [] },
    },
    {
      claim: 'all workers are cheap',
      series: { [state('ready')]: always(0), [state('busy')]: always(0), [state('cheap')]: always(2) },
      looks: { '15m': [] },
    },
    {
      claim: 'all workers are ready',
      series: { [state('ready')]: always(1), [state('busy')]: always(0) },
      looks: { '15m': [] },
    },
  ],
  WorkerCrashLooping: [
    ...['crash', 'signal', 'oom'].map((reason) => ({
      claim: `four exits by ${reason}`,
      series: { [exits(reason)]: '0x30 4x100' },
      looks: { '300s': [], '310s': [{ labels: app, value: '4' }], '9m': [{ labels: app, value: '4' }] },
    })),
    {
      claim: 'exits of several workers and reasons count together',
      series: {
        [exits('crash')]: '0x30 2x100',
        [exits('signal', '2')]: '0x30 1x100',
        [exits('oom', '3')]: '0x30 1x100',
      },
      looks: { '9m': [{ labels: app, value: '4' }] },
    },
    {
      claim: 'four exits, as one exporter reads them, and another one that started after them',
      series: {
        [exits('crash')]: '0x30 4x100',
        [exits('crash').replace('}', ', instance="b:1"}')]: '_x31 4x100',
      },
      looks: { '9m': [{ labels: app, value: '4' }] },
    },
    {
      claim: 'three exits, as two exporters read them',
      series: Object.fromEntries(
        ['a:1', 'b:1'].map((instance) => [
          of('prefork_worker_exits_total', app, { worker: '1', reason: 'crash', instance }),
          '0x30 3x100',
        ]),
      ),
      looks: { '310s': [], '9m': [] },
    },
    {
      claim: 'three exits by crash within the window, after others long ago',
      series: { [exits('crash')]: '5x30 8x100' },
      looks: { '310s': [], '9m': [], '600s': [] },
    },
    {
      claim: 'four exits within six minutes',
      series: { [exits('crash')]: '0x30 2x35 4x100' },
      looks: { '600s': [], '680s': [], '15m': [] },
    },
    {
      claim: 'planned exits',
      series: Object.fromEntries(
        ['harakiri', 'max_requests', 'max_lifetime', 'rss', 'reload', 'scale'].map((reason) => [
          exits(reason),
          perSecond(0.1),
        ]),
      ),
      looks: { '15m': [] },
    },
  ],
  WorkerHarakiri: [
    {
      claim: 'one exit by harakiri, for 15 minutes',
      series: { [exits('harakiri')]: '0x59 1x180' },
      looks: {
        '590s': [],
        '600s': [{ labels: app, value: '1' }],
        '1480s': [{ labels: app, value: '1' }],
        '1500s': [],
      },
      fires: [600, 1490],
    },
    {
      claim: 'one exit, as two exporters read it',
      series: {
        [exits('harakiri')]: '0x59 1x180',
        [exits('harakiri').replace('}', ', instance="b:1"}')]: '0x59 1x180',
      },
      looks: { '600s': [{ labels: app, value: '1' }] },
    },
    {
      claim: 'two workers',
      series: { [exits('harakiri')]: '0x59 1x180', [exits('harakiri', '2')]: '0x59 1x180' },
      looks: { '600s': [{ labels: app, value: '2' }] },
    },
    {
      claim: 'an old harakiri and other exits',
      series: { [exits('harakiri')]: always(1), [exits('max_requests')]: perSecond(0.1) },
      looks: { '15m': [] },
    },
  ],
  WorkerHung: [
    {
      claim: 'no heartbeat for more than 5 seconds, for 10 seconds',
      series: { [worker('heartbeat_age_seconds')]: '0.1x11 5 6+10x40' },
      looks: { '130s': [], '140s': [{ labels: { ...app, worker: '2' }, value: '16s' }] },
    },
    {
      claim: 'no heartbeat for 5.2 seconds, as one of two exporters reads it',
      series: {
        [worker('heartbeat_age_seconds')]: '0.1x11 5.2x40',
        [of('prefork_worker_heartbeat_age_seconds', app, { worker: '2', instance: 'second' })]: always(0.1),
      },
      looks: { '120s': [], '130s': [{ labels: { ...app, worker: '2' }, value: '5.2s' }] },
    },
    {
      claim: 'one late heartbeat',
      series: { [worker('heartbeat_age_seconds')]: '0.1x11 26 0.1x40' },
      looks: { '120s': [], '130s': [] },
    },
    {
      claim: 'heartbeats every 5 seconds',
      series: { [worker('heartbeat_age_seconds')]: always(5) },
      looks: { '10m': [] },
    },
  ],
  RequestStuck: [
    {
      claim: 'a request of more than ten minutes, for a minute, as one of two exporters reads it',
      series: {
        [worker('oldest_request_seconds')]: '600x11 601x100',
        [of('prefork_worker_oldest_request_seconds', app, { worker: '2', instance: 'second' })]: always(0),
      },
      looks: { '170s': [], '180s': [{ labels: { ...app, worker: '2' }, value: '10m 1s' }] },
    },
    {
      claim: 'requests of ten minutes',
      series: { [worker('oldest_request_seconds')]: always(600) },
      looks: { '15m': [] },
    },
    {
      claim: 'a tunnel through the gateway',
      series: {
        [of('prefork_worker_oldest_request_seconds', { ...app, app: 'gateway', worker: '1' })]: '0+10x180',
      },
      looks: { '15m': [] },
    },
  ],
  ReloadFailed: [
    {
      claim: 'a reload fails, for 15 minutes',
      series: { [of('prefork_reloads_total', app, { result: 'failure' })]: '0x59 1x180' },
      looks: { '590s': [], '600s': [{ labels: app }], '1480s': [{ labels: app }], '1500s': [] },
      fires: [600, 1490],
    },
    {
      claim: 'a reload succeeds',
      series: {
        [of('prefork_reloads_total', app, { result: 'success' })]: '0x60 1x60',
        [of('prefork_reloads_total', app, { result: 'failure' })]: always(1),
      },
      looks: { '15m': [] },
    },
  ],
}
