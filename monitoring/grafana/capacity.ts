/** The dashboard Capacity: the resources of apps and hosts, and how much of each is in use. */

import { BytesIEC, PercentUnit, Seconds, Short } from '@grafana/grafana-foundation-sdk/units'
import { dashboardOf, section } from './dashboard.ts'
import { graph } from './panels.ts'
import { type Matchers, max, quantile, share, sum } from './promql.ts'

const DISKS = 'fstype!~"tmpfs|ramfs|overlay|squashfs|fuse.*|nsfs|autofs"'

const appLines = ({ selected, workers }: Matchers) => [
  section(
    'Apps',
    8,
    graph(
      'CPU of the workers',
      PercentUnit,
      'CPU time of all workers as a share of one core for each worker that is ready. At 90 % requests queue.',
      {
        expr: `sum by (app) (rate(prefork_worker_cpu_seconds_total{${workers}}[$__rate_interval])) / sum by (app) (prefork_workers{${workers}, state=~"ready|busy"})`,
        legend: '{{app}}',
      },
      { limit: 0.9 },
    ),
    graph(
      'Memory of workers',
      BytesIEC,
      'Resident memory of all workers. Shared pages count in each worker.',
      [sum('prefork_worker_resident_memory_bytes', workers, ['app'])],
    ),
    graph(
      'File descriptors of masters',
      PercentUnit,
      'Open file descriptors of the master, as a share of its limit.',
      share('process_master_open_fds', 'process_max_fds', selected, ['job']),
      { limit: 0.8 },
    ),
    graph(
      'Event loop lag p99 of workers',
      Seconds,
      '99 of 100 timers fire no later than this.',
      quantile(0.99, 'runtime_eventloop_lag_seconds', selected, ['job']),
      { limit: 0.1 },
    ),
  ),
  section(
    'Databases and queues',
    8,
    graph(
      'Connections of the pools',
      PercentUnit,
      'Connections to PostgreSQL in use, as a share of all open ones. At 100 % statements wait.',
      {
        expr: `sum by (job) (db_client_connection_count{${selected}, state="used"}) / sum by (job) (db_client_connection_count{${selected}})`,
        legend: '{{job}}',
      },
      { limit: 0.9 },
    ),
    graph(
      'Rows of the tables',
      Short,
      'Rows in each table: their growth is that of the disk.',
      max('model_rows', selected, ['model']),
    ),
    graph(
      'Accept queues',
      PercentUnit,
      'Length of the accept queue as a share of its limit, of the fullest socket.',
      {
        expr: `max by (app) (prefork_listen_queue_length{${workers}} / prefork_listen_queue_limit{${workers}})`,
        legend: '{{app}}',
      },
      { limit: 0.5 },
    ),
  ),
]

const hosts = section(
  'Hosts: needs node_exporter (compose: --profile host)',
  8,
  graph(
    'CPU of hosts',
    PercentUnit,
    'CPU time in use, as a share of all cores.',
    {
      expr: '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[$__rate_interval]))',
      legend: '{{instance}}',
    },
    { limit: 0.9 },
  ),
  graph('Memory available', PercentUnit, 'Memory that processes can get, as a share of all.', {
    expr: 'node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes',
    legend: '{{instance}}',
  }),
  graph('Disk free', PercentUnit, 'Free space of each disk. An alert predicts when it will be full.', {
    expr: `node_filesystem_avail_bytes{${DISKS}} / node_filesystem_size_bytes`,
    legend: '{{instance}} {{mountpoint}}',
  }),
)

export const capacity = (matchers: Matchers) =>
  dashboardOf(matchers, {
    uid: 'capacity',
    title: 'Capacity',
    description: 'The resources of apps and hosts, and how much of each is in use.',
    lines: [...appLines(matchers), hosts],
  })
