/** Cases of rules/workers.yml. See alerts.ts. */

import { type AlertCase, between, dogs, exits, family, of, state } from './series.ts'

export const workersCases: Record<string, AlertCase> = {
  NoWorkerReady: {
    fires: { [state('ready')]: '2x10 0x120', [state('busy')]: '0x130', [state('starting')]: '2x130' },
    quiet: { [state('ready')]: '0x120', [state('busy')]: '2x120' },
    labels: family,
  },
  WorkerCrashLooping: {
    fires: { [exits('crash')]: '0x60 0+1x60', [exits('signal', '2')]: '0x120' },
    quiet: { [exits('crash')]: '0x80 2x40', [exits('reload')]: '0+1x120' },
    labels: family,
    value: '29',
  },
  WorkerHarakiri: {
    fires: { [exits('harakiri')]: '0x59 1x60' },
    quiet: { [exits('harakiri')]: '1x120', [exits('max_requests')]: '0+1x120' },
    labels: family,
    value: '1',
  },
  WorkerHung: {
    fires: { [of('prefork_worker_heartbeat_age_seconds', family, { worker: '2' })]: '0.1x80 10+10x40' },
    quiet: { [of('prefork_worker_heartbeat_age_seconds', family, { worker: '2' })]: '0.1x88 6 0.1x40' },
    at: '14m',
    labels: { ...family, worker: '2' },
    value: '40s',
  },
  RequestStuck: {
    fires: { [of('prefork_worker_oldest_request_seconds', family, { worker: '2' })]: '0+10x120' },
    quiet: { [of('prefork_worker_oldest_request_seconds', family, { worker: '2' })]: '29x120' },
    labels: { ...family, worker: '2' },
    value: '15m 0s',
  },
  WorkersSaturated: {
    fires: {
      [of('prefork_worker_cpu_seconds_total', family, { worker: '1' })]: '0+9.5x120',
      [of('prefork_worker_cpu_seconds_total', family, { worker: '2' })]: '0+9.5x120',
      [state('busy')]: '2x120',
    },
    quiet: {
      [of('prefork_worker_cpu_seconds_total', family, { worker: '1' })]: '0+9.5x120',
      [of('prefork_worker_cpu_seconds_total', family, { worker: '2' })]: '0+5x120',
      [state('busy')]: '2x120',
    },
    labels: family,
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
      [of('prefork_listen_queue_length', family, { socket: ':8001' })]: '90x120',
      [of('prefork_listen_queue_limit', family, { socket: ':8001' })]: '120x120',
    },
    quiet: {
      [of('prefork_listen_queue_length', family, { socket: ':8001' })]: '60x120',
      [of('prefork_listen_queue_limit', family, { socket: ':8001' })]: '120x120',
    },
    labels: { ...family, socket: ':8001' },
    value: '75%',
  },
  ListenQueueOverflow: {
    fires: { [of('prefork_listen_overflows_total', { target: family.target })]: '0x60 0+1x60' },
    quiet: { [of('prefork_listen_overflows_total', { target: family.target })]: '500x120' },
    labels: { target: family.target },
    value: '29',
  },
  ReloadFailed: {
    fires: { [of('prefork_reloads_total', family, { result: 'failure' })]: '0x60 1x60' },
    quiet: { [of('prefork_reloads_total', family, { result: 'success' })]: '0x60 1x60' },
    labels: family,
  },
  MasterFilesNearLimit: {
    fires: { [of('process_open_fds', dogs)]: '900x120', [of('process_max_fds', dogs)]: '1000x120' },
    quiet: { [of('process_open_fds', dogs)]: '700x120', [of('process_max_fds', dogs)]: '1000x120' },
    labels: dogs,
    value: '90%',
  },
}
