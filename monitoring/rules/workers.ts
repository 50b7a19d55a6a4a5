/** Alerts about masters and workers, as the exporter reads them. */

import { current } from './promql.ts'
import { type Alert, type Apps, alertsOf, dashboardFor, oneOf, quoted, type RuleFile } from './rule.ts'

const ready = 'prefork_workers{state=~"ready|busy"}'
/** The largest body that the gateway takes by default needs this long at 1 Mbit/s. */
const STUCK_SECONDS = 600
/** Two exporters may read one master: each exit counts once. */
const exits = (reasons: string, window: string) =>
  `sum by (app, target) (max without (instance) (increase(prefork_worker_exits_total{reason=~"${reasons}"}[${window}])))`

export const workers = (apps: Apps): RuleFile => ({
  name: 'workers',
  comment: 'Masters and workers as the exporter reads them.',
  groups: [{ name: 'workers', rules: [...lives(apps), ...load(apps)] }],
})

function lives(apps: Apps): Alert[] {
  const alert = alertsOf(apps)
  // A cheap worker is stopped while there is little load, and starts when there is more.
  const able = current('prefork_workers{state=~"ready|busy|cheap"}', apps)
  const about = { runbook: 'workers', dashboard: dashboardFor('workers', 'app') } as const
  const notReady = {
    ...about,
    for: '30s',
    description:
      'Every request to it fails or waits. The log of its master shows why workers end or do not start.',
  } as const
  return [
    alert('NoWorkerReady', {
      ...notReady,
      expr: `sum by (app) ${able} == 0`,
      severity: 'page',
      summary: '{{ $labels.app }} has no worker that is ready',
    }),
    alert('NoWorkerReady', {
      ...notReady,
      expr: `sum by (app, target) ${able} == 0\nunless on (app) sum by (app) ${able} == 0`,
      severity: 'ticket',
      summary: '{{ $labels.app }} at {{ $labels.target }} has no worker that is ready',
    }),
    // An increase is extended to the whole window: three exits may be 3.1.
    alert('WorkerCrashLooping', {
      ...about,
      expr: `${exits('crash|signal|oom', '5m')} > 3.5`,
      severity: 'page',
      summary: '{{ $value | printf "%.0f" }} workers of {{ $labels.app }} died in five minutes',
      description:
        'Each death ends the requests in flight. Reasons: crash is an error in the code, oom is the kernel out of memory, signal was sent from outside. After a deploy: roll back.',
    }),
    alert('WorkerHarakiri', {
      ...about,
      expr: `${exits('harakiri', '15m')} > 0`,
      severity: 'ticket',
      summary:
        '{{ $value | printf "%.0f" }} workers of {{ $labels.app }} were killed because their event loop was blocked',
      description:
        'The log of the master names the request that each worker was serving: it is the one to fix.',
    }),
    // A short `for`: after 30 s, by default, the master kills the worker, and WorkerHarakiri fires.
    alert('WorkerHung', {
      ...about,
      expr: `max by (app, target, worker) ${current('prefork_worker_heartbeat_age_seconds', apps)} > 5`,
      for: '10s',
      severity: 'ticket',
      summary:
        'the event loop of worker {{ $labels.worker }} of {{ $labels.app }} has been blocked for {{ $value | humanizeDuration }}',
      description:
        'The worker does not respond, and its connections wait. The master kills it after HARAKIRI_MS. Causes: a long loop, a synchronous call, a stopped process.',
    }),
    // In the gateway only tunnels and long transfers last: its own deadlines end every other request. A response counts until its
    // head, so a download never gets this old. An upload does, and a worker cannot tell one that moves from one that does not.
    alert('RequestStuck', {
      ...about,
      expr: `max by (app, target, worker) ${current(`prefork_worker_oldest_request_seconds${notTheGateway(apps)}`, apps)} > ${STUCK_SECONDS}`,
      for: '1m',
      severity: 'ticket',
      summary: 'a request to {{ $labels.app }} has been running for {{ $value | humanizeDuration }}',
      description:
        'The handler hangs, and its client has left long ago; or the body of a request is still arriving after that time, which is no fault.',
    }),
    alert('ReloadFailed', {
      ...about,
      expr: 'sum by (app, target) (increase(prefork_reloads_total{result="failure"}[15m])) > 0',
      severity: 'ticket',
      summary: 'a rolling reload of {{ $labels.app }} failed',
      description:
        'The new workers did not become ready; the old ones keep serving. The log of the master has their last lines.',
    }),
  ]
}

function load(apps: Apps): Alert[] {
  const alert = alertsOf(apps)
  const about = { runbook: 'workers', dashboard: dashboardFor('workers', 'app') } as const
  const ofJob = { runbook: 'workers', app: '{{ $labels.job }}', severity: 'ticket' } as const
  return [
    alert('WorkersSaturated', {
      ...about,
      expr: `sum by (app, target) (rate(prefork_worker_cpu_seconds_total[5m]))\n/ (sum by (app, target) (${ready}) > 0) > 0.9`,
      for: '10m',
      severity: 'ticket',
      summary: 'workers of {{ $labels.app }} use {{ $value | humanizePercentage }} of their CPU time',
      description:
        'Each worker has one thread, and all are busy: requests queue. Add workers (SIGTTIN, WORKERS) while the machine has cores left, or add machines.',
    }),
    alert('EventLoopSlow', {
      ...ofJob,
      expr: 'histogram_quantile(0.99, sum by (job, le) (rate(runtime_eventloop_lag_seconds_bucket[5m]))) > 0.1',
      for: '5m',
      summary: 'event loops of {{ $labels.job }} are late by {{ $value | humanizeDuration }} (p99)',
      description:
        'A handler blocks the thread for too long, or the machine has too few cores: compare with the CPU of the workers.',
      dashboard: dashboardFor('workers'),
    }),
    alert('ListenQueueLong', {
      ...about,
      expr: `sum by (app, target, socket) ${current('prefork_listen_queue_length', apps)}\n/ sum by (app, target, socket) (prefork_listen_queue_limit) > 0.5`,
      for: '1m',
      severity: 'ticket',
      summary:
        'the accept queue of {{ $labels.app }} at {{ $labels.socket }} is {{ $value | humanizePercentage }} full',
      description:
        'Connections arrive faster than workers accept them. When the queue is full the kernel drops new ones, and clients wait for seconds.',
    }),
    // The kernel counts overflows for a whole network namespace: only an app whose own queue was full is concerned.
    alert('ListenQueueOverflow', {
      ...about,
      expr: `max by (app, target) (
  sum by (app, target, socket) (max_over_time(prefork_listen_queue_length[5m]))
  / sum by (app, target, socket) (prefork_listen_queue_limit)
) >= 0.9
and on (target) max by (target) (increase(prefork_listen_overflows_total[5m])) > 0`,
      severity: 'ticket',
      summary: 'the accept queue of {{ $labels.app }} was full, and the kernel dropped connections',
      description:
        'Their clients retry after a second or give up. Add workers, or raise net.core.somaxconn against short bursts.',
    }),
    alert('MasterFilesNearLimit', {
      ...ofJob,
      expr: 'process_master_open_fds / process_max_fds > 0.8',
      for: '5m',
      summary: '{{ $labels.job }} has {{ $value | humanizePercentage }} of its file descriptors open',
      description:
        'At the limit it can open no connection, file or pipe. Raise it (ulimit -n, LimitNOFILE), and look for a leak.',
      dashboard: dashboardFor('service'),
    }),
  ]
}

const notTheGateway = ({ hasGateway, edge }: Apps): string =>
  hasGateway ? `{app!~${quoted(oneOf(edge))}}` : ''
