/** The databases behind the services, and the rows in them. */

import {
  CountsPerSecond,
  OpsPerSecond,
  PercentUnit,
  RowsPerSecond,
  Seconds,
  Short,
} from '@grafana/grafana-foundation-sdk/units'
import { dashboardOf, line, section } from './dashboard.ts'
import { below, graph, heatmap, stat } from './panels.ts'
import { buckets, max, quantile, quantiles, rate, selected, sum } from './promql.ts'

const duration = 'db_client_operation_duration_seconds'
const operations = `${duration}_count`
const errors = 'db_client_operation_errors_total'

const database = [
  line(
    4,
    stat('Operations', OpsPerSecond, 'Statements per second.', rate(operations, selected, ['job'])),
    stat(
      'p99',
      Seconds,
      'The time within which 99 of 100 statements were done.',
      quantile(0.99, duration, selected, ['job']),
      {
        steps: below(0.01, 0.1),
      },
    ),
    stat(
      'Migrations missing',
      Short,
      'Schema migrations that the program has and its database lacks.',
      max('db_migrations_unapplied', selected, ['job']),
      {
        steps: below(1, 1),
      },
    ),
    stat(
      'Migrations applied',
      Short,
      'Schema migrations that the database has.',
      max('db_migrations_applied', selected, ['job']),
    ),
  ),
  line(
    8,
    graph(
      'Operations by kind',
      OpsPerSecond,
      'Statements per second, by system, kind and table.',
      rate(operations, selected, ['job', 'db_system_name', 'db_operation_name', 'db_collection_name']),
    ),
    heatmap(
      'Latency',
      Seconds,
      'How many statements took how long, waiting for the write lock included.',
      buckets(duration, selected),
    ),
    graph(
      'Latency by kind',
      Seconds,
      'Median and 99th percentile, by kind of statement.',
      quantiles(duration, selected, ['job', 'db_operation_name']),
    ),
  ),
  line(
    7,
    graph(
      'Errors by code',
      CountsPerSecond,
      "Statements per second that failed, by SQLite's code or PostgreSQL's SQLSTATE: SQLITE_BUSY waited too long for the write lock, POOL_TIMEOUT for a connection.",
      rate(errors, selected, ['job', 'db_operation_name', 'error_type']),
    ),
    graph(
      'Time in the database',
      PercentUnit,
      'Seconds of database work per second, by service: what is left for everything else is 100 % for each worker.',
      rate(`${duration}_sum`, selected, ['job']),
    ),
  ),
]

const connections = section(
  'Connections to PostgreSQL',
  7,
  graph(
    'Connections',
    Short,
    'Open connections of all workers, by what they do. None: the database is away.',
    sum('db_client_connection_count', selected, ['job', 'state']),
  ),
  graph(
    'Waiting for a connection',
    Seconds,
    'Median and 99th percentile. Where it grows the pool is too small, or statements take too long.',
    quantiles('db_client_connection_wait_time_seconds', selected, ['job']),
  ),
  graph(
    'Given up waiting',
    CountsPerSecond,
    'Statements per second for which no connection was free in time: their requests were answered 503.',
    rate('db_client_connection_timeouts_total', selected, ['job']),
  ),
)

const models = section(
  'Models',
  7,
  graph(
    'Rows',
    Short,
    'Rows in each table now, which its replicas count each for itself.',
    max('model_rows', selected, ['model']),
  ),
  ...(['inserts', 'updates', 'deletes'] as const).map((change) =>
    graph(
      `Rows per second: ${change}`,
      RowsPerSecond,
      `Rows of ${change}, those of one bulk statement counted one by one.`,
      rate(`model_${change}_total`, selected, ['model']),
    ),
  ),
)

/** By service and table. */
export const databaseDashboard = dashboardOf({
  uid: 'database',
  title: 'Database and models',
  description: 'What the services ask of SQLite or PostgreSQL, how long it takes, and what is in it.',
  lines: [...database, connections, models],
})
