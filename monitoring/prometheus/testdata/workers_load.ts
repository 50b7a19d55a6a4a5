/** Cases for rules/workers.yml: their load. */

import {
  type AlertCase,
  always,
  amongFast,
  app,
  between,
  dogs,
  of,
  perSecond,
  state,
  step,
} from './series.ts'

const second = { app: 'dogs', target: 'http://dogs2:9001/stats' }
const cpu = (name: string) => of('prefork_worker_cpu_seconds_total', app, { worker: name })
const queue = (what: string) => of(`prefork_listen_queue_${what}`, app, { socket: ':8001' })
const overflows = of('prefork_listen_overflows_total', { target: app.target })
const lag = 'runtime_eventloop_lag_seconds'

export const workersLoadCases: Record<string, readonly AlertCase[]> = {
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
      claim: 'workers that start use CPU time, and none is ready',
      series: { [cpu('1')]: perSecond(0.95), [state('busy')]: always(0), [state('starting')]: always(1) },
      looks: { '25m': [] },
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
