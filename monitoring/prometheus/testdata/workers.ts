/** Cases for rules/workers.yml. */

import {
  type AlertCase,
  always,
  amongFast,
  app,
  between,
  dogs,
  exits,
  of,
  perSecond,
  state,
  step,
} from './series.ts'

const second = { app: 'dogs', target: 'http://dogs2:9001/stats' }
const worker = (name: string) => of(`prefork_worker_${name}`, app, { worker: '2' })
const cpu = (name: string) => of('prefork_worker_cpu_seconds_total', app, { worker: name })
const queue = (what: string) => of(`prefork_listen_queue_${what}`, app, { socket: ':8001' })
const overflows = of('prefork_listen_overflows_total', { target: app.target })
const lag = 'runtime_eventloop_lag_seconds'

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
      claim: 'a request of more than a minute, for a minute, as one of two exporters reads it',
      series: {
        [worker('oldest_request_seconds')]: '60x11 61x100',
        [of('prefork_worker_oldest_request_seconds', app, { worker: '2', instance: 'second' })]: always(0),
      },
      looks: { '170s': [], '180s': [{ labels: { ...app, worker: '2' }, value: '1m 1s' }] },
    },
    {
      claim: 'requests of a minute',
      series: { [worker('oldest_request_seconds')]: always(60) },
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
  WorkersSaturated: [
    {
      claim: '92 % of two CPUs for ten minutes',
      series: {
        [cpu('1')]: perSecond(0.92),
        [cpu('2')]: perSecond(0.92),
        [state('busy')]: always(1),
        [state('ready')]: always(1),
      },
      looks: { '10m': [], '16m': [{ labels: app, value: '92%' }] },
    },
    {
      claim: 'the share is that of five minutes',
      series: { [cpu('1')]: '0x59 0+9.2x180', [state('busy')]: always(1) },
      looks: { '1500s': [{ labels: app, value: '92%' }] },
      fires: [1500],
    },
    {
      claim: '88 % of two CPUs',
      series: { [cpu('1')]: perSecond(0.95), [cpu('2')]: perSecond(0.81), [state('busy')]: always(2) },
      looks: { '25m': [] },
    },
  ],
  EventLoopSlow: [
    {
      claim: 'p99 above 100 ms for five minutes',
      series: between(lag, '0.1', '0.106'),
      looks: {
        '300s': [],
        '310s': [{ labels: { job: 'dogs' }, value: '105.9ms' }],
        '15m': [{ labels: { job: 'dogs' }, value: '105.9ms' }],
      },
    },
    {
      claim: 'two instances, one of them slow and with most timers',
      series: {
        ...between(lag, '0.1', '0.106'),
        [of(`${lag}_bucket`, { job: 'dogs', instance: 'b:1', le: '0.1' })]: perSecond(8),
        [of(`${lag}_bucket`, { job: 'dogs', instance: 'b:1', le: '0.106' })]: perSecond(8),
        [of(`${lag}_bucket`, { job: 'dogs', instance: 'b:1', le: '+Inf' })]: perSecond(8),
      },
      looks: { '15m': [{ labels: { job: 'dogs' }, value: '105.9ms' }] },
    },
    {
      claim: 'some late timers begin among others: 1 % of five minutes',
      series: amongFast(lag, dogs),
      looks: {},
      fires: [1090],
    },
    { claim: 'p99 just below 100 ms', series: between(lag, '0.09', '0.1'), looks: { '15m': [] } },
  ],
  ListenQueueLong: [
    {
      claim: '51 % full for a minute',
      series: { [queue('length')]: step(50, 60, 51), [queue('limit')]: always(100) },
      looks: { '110s': [], '120s': [{ labels: { ...app, socket: ':8001' }, value: '51%' }] },
    },
    {
      claim: '50 % full',
      series: { [queue('length')]: always(50), [queue('limit')]: always(100) },
      looks: { '15m': [] },
    },
  ],
  ListenQueueOverflow: [
    {
      claim: 'overflows while the own queue is 90 % full',
      series: {
        [overflows]: '0x59 0+1x60',
        [queue('length')]: '0x62 90 0x60',
        [queue('limit')]: always(100),
      },
      looks: { '620s': [], '630s': [{ labels: app }], '15m': [{ labels: app }] },
    },
    {
      claim: 'one overflow, and the queue was full up to five minutes ago',
      series: {
        [overflows]: '0x59 1x120',
        [queue('length')]: '0x57 100 0x120',
        [queue('limit')]: always(100),
        [of('prefork_listen_queue_length', app, { socket: ':8002' })]: always(0),
        [of('prefork_listen_queue_limit', app, { socket: ':8002' })]: always(100),
      },
      looks: { '590s': [], '600s': [{ labels: app }], '870s': [{ labels: app }], '890s': [] },
      fires: [600, 880],
    },
    {
      claim: 'overflows up to five minutes ago in a queue that is still full',
      series: { [overflows]: '0x59 1x120', [queue('length')]: always(100), [queue('limit')]: always(100) },
      looks: { '880s': [{ labels: app }], '900s': [] },
      fires: [600, 890],
    },
    {
      claim: 'a full queue, and overflows on another machine',
      series: {
        [overflows]: always(0),
        [of('prefork_listen_overflows_total', { target: second.target })]: perSecond(1),
        [queue('length')]: always(100),
        [queue('limit')]: always(100),
      },
      looks: { '15m': [] },
    },
    {
      claim: 'overflows while the own queue is 89 % full',
      series: { [overflows]: '0x59 0+1x60', [queue('length')]: always(89), [queue('limit')]: always(100) },
      looks: { '15m': [] },
    },
    {
      claim: 'a full queue and overflows of long ago',
      series: { [overflows]: always(500), [queue('length')]: always(100), [queue('limit')]: always(100) },
      looks: { '15m': [] },
    },
    {
      claim: 'the queue of another app on the machine overflows',
      series: {
        [overflows]: perSecond(1),
        [of('prefork_listen_overflows_total', { target: second.target })]: perSecond(1),
        [queue('length')]: always(0),
        [queue('limit')]: always(100),
        [of('prefork_listen_queue_length', second, { socket: ':8001' })]: always(0),
        [of('prefork_listen_queue_limit', second, { socket: ':8001' })]: always(100),
      },
      looks: { '15m': [] },
    },
  ],
  MasterFilesNearLimit: [
    {
      claim: '81 % for five minutes',
      series: {
        [of('process_master_open_fds', dogs)]: step(800, 60, 810),
        [of('process_max_fds', dogs)]: always(1000),
      },
      looks: { '350s': [], '360s': [{ labels: dogs, value: '81%' }] },
    },
    {
      claim: '80 %',
      series: {
        [of('process_master_open_fds', dogs)]: always(800),
        [of('process_max_fds', dogs)]: always(1000),
      },
      looks: { '15m': [] },
    },
  ],
}
