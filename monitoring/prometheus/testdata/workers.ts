/** Cases for rules/workers.yml; alerts.ts explains them. */

import { type AlertCase, between, dogs, exits, app, of, state } from './series.ts'

export const workersCases: Record<string, AlertCase> = {
  NoWorkerReady: {
    fires: { [state('ready')]: '2x10 0x120', [state('busy')]: '0x130', [state('starting')]: '2x130' },
    quiet: { [state('ready')]: '0x120', [state('busy')]: '2x120' },
    labels: app,
  },
  WorkerCrashLooping: {
    fires: { [exits('crash')]: '0x60 0+1x60', [exits('signal', '2')]: '0x120' },
    quiet: { [exits('crash')]: '0x80 2x40', [exits('reload')]: '0+1x120' },
    labels: app,
    value: '29',
  },
  WorkerHarakiri: {
    fires: { [exits('harakiri')]: '0x59 1x60' },
    quiet: { [exits('harakiri')]: '1x120', [exits('max_requests')]: '0+1x120' },
    labels: app,
    value: '1',
  },
  WorkerHung: {
    fires: { [of('prefork_worker_heartbeat_age_seconds', app, { worker: '2' })]: '0.1x80 10+10x40' },
    quiet: { [of('prefork_worker_heartbeat_age_seconds', app, { worker: '2' })]: '0.1x88 6 0.1x40' },
    at: '14m',
    labels: { ...app, worker: '2' },
    value: '40s',
  },
  RequestStuck: {
    fires: { [of('prefork_worker_oldest_request_seconds', app, { worker: '2' })]: '0+10x120' },
    quiet: { [of('prefork_worker_oldest_request_seconds', app, { worker: '2' })]: '29x120' },
    labels: { ...app, worker: '2' },
    value: '15m 0s',
  },
  WorkersSaturated: {
    fires: {
      [of('prefork_worker_cpu_seconds_total', app, { worker: '1' })]: '0+9.5x120',
      [of('prefork_worker_cpu_seconds_total', app, { worker: '2' })]: '0+9.5x120',
      [state('busy')]: '2x120',
    },
    quiet: {
      [of('prefork_worker_cpu_seconds_total', app, { worker: '1' })]: '0+9.5x120',
      [of('prefork_worker_cpu_seconds_total', app, { worker: '2' })]: '0+5x120',
      [state('busy')]: '2x120',
    },
    labels: app,
    value: '95%',
  },
  EventLoopSlow: {
    fires: between('runtime_eventloop_lag_seconds', '0.1', '0.5'),
    quiet: between('runtime_eventloop_lag_seconds', '0.001', '0.1'),
    labels: { job: 'dogs' },
    value: '496ms',
  },
  ListenQueueLong: {
    fires: {
      [of('prefork_listen_queue_length', app, { socket: ':8001' })]: '90x120',
      [of('prefork_listen_queue_limit', app, { socket: ':8001' })]: '120x120',
    },
    quiet: {
      [of('prefork_listen_queue_length', app, { socket: ':8001' })]: '60x120',
      [of('prefork_listen_queue_limit', app, { socket: ':8001' })]: '120x120',
    },
    labels: { ...app, socket: ':8001' },
    value: '75%',
  },
  ListenQueueOverflow: {
    fires: { [of('prefork_listen_overflows_total', { target: app.target })]: '0x60 0+1x60' },
    quiet: { [of('prefork_listen_overflows_total', { target: app.target })]: '500x120' },
    labels: { target: app.target },
    value: '29',
  },
  ReloadFailed: {
    fires: { [of('prefork_reloads_total', app, { result: 'failure' })]: '0x60 1x60' },
    quiet: { [of('prefork_reloads_total', app, { result: 'success' })]: '0x60 1x60' },
    labels: app,
  },
  MasterFilesNearLimit: {
    fires: { [of('process_master_open_fds', dogs)]: '900x120', [of('process_max_fds', dogs)]: '1000x120' },
    quiet: { [of('process_master_open_fds', dogs)]: '700x120', [of('process_max_fds', dogs)]: '1000x120' },
    labels: dogs,
    value: '90%',
  },
}
