/** The dashboard Database and models: the databases of the services, and their rows. */

import {
  CountsPerSecond,
  OpsPerSecond,
  PercentUnit,
  RowsPerSecond,
  Seconds,
  Short,
} from '@grafana/grafana-foundation-sdk/units'
import { dashboardOf, line, section } from './dashboard.ts'
import { below, down, graph, heatmap, none, stat } from './panels.ts'
import { buckets, byApp, type Matchers, max, orIdle, quantile, quantiles, rate, sum } from './promql.ts'

const duration = 'db_client_operation_duration_seconds'
const operations = `${duration}_count`
const errors = 'db_client_operation_errors_total'
/** A gauge that every service with a database publishes from its start. */
const migrations = (matchers: string) => `db_migrations_applied{${matchers}}`

const database = ({ apps, selected }: Matchers) => [
  line(
    5,
    stat(
      'Operations',
      OpsPerSecond,
      'Statements per second.',
      byApp(apps.services, selected, (matchers) =>
        orIdle(rate(operations, matchers), 0, migrations(matchers)),
      ),
      { mappings: [down] },
    ),
    stat(
      'p99',
      Seconds,
      '99 of 100 statements take no longer than this.',
      byApp(apps.services, selected, (matchers) =>
        orIdle(quantile(0.99, duration, matchers), 'NaN', migrations(matchers)),
      ),
      {
        steps: below(0.01, 0.1),
        mappings: [down, none('statements')],
      },
    ),
    stat(
      'Migrations missing',
      Short,
      'Schema migrations that the program has and its database lacks.',
      byApp(apps.services, selected, (matchers) => max('db_migrations_unapplied', matchers)),
      {
        steps: below(1, 1),
        mappings: [down],
      },
    ),
    stat(
      'Migrations applied',
      Short,
      'Schema migrations that the database has.',
      byApp(apps.services, selected, (matchers) => max('db_migrations_applied', matchers)),
      { mappings: [down] },
    ),
  ),
  line(
    10,
    graph(
      'Operations by kind',
      OpsPerSecond,
      'Statements per second, by kind and table.',
      rate(operations, selected, ['job', 'db_operation_name', 'db_collection_name']),
      { hasMany: true },
    ),
    heatmap(
      'Latency',
      Seconds,
      'Number of statements by duration, including the wait for the write lock.',
      buckets(duration, selected),
    ),
    graph(
      'Latency by kind',
      Seconds,
      '99th percentile, by kind of statement.',
      quantile(0.99, duration, selected, ['job', 'db_operation_name']),
      { hasMany: true },
    ),
  ),
  line(
    8,
    graph(
      'Errors by code',
      CountsPerSecond,
      "Statements per second that failed, by SQLite's code or PostgreSQL's SQLSTATE. SQLITE_BUSY: the wait for the write lock was too long. POOL_TIMEOUT: the wait for a connection was too long.",
      rate(errors, selected, ['job', 'db_operation_name', 'error_type']),
    ),
    graph(
      'Time in the database',
      PercentUnit,
      'Seconds of database work per second, by service. With SQLite it runs in the threads of the workers, which have 100 % each.',
      rate(`${duration}_sum`, selected, ['job']),
    ),
  ),
]

const connections = ({ selected }: Matchers) =>
  section(
    'Connections to PostgreSQL',
    8,
    graph(
      'Connections',
      Short,
      'Open connections of all workers, by state. 0 means that the database cannot be reached.',
      sum('db_client_connection_count', selected, ['job', 'state']),
    ),
    graph(
      'Waiting for a connection',
      Seconds,
      'Median and 99th percentile. It grows when the pool is too small or statements take too long.',
      quantiles('db_client_connection_wait_time_seconds', selected, ['job']),
    ),
    graph(
      'Given up waiting',
      CountsPerSecond,
      'Statements per second that got no connection in time. Their requests get 503.',
      rate('db_client_connection_timeouts_total', selected, ['job']),
    ),
  )

const models = ({ selected }: Matchers) =>
  section(
    'Models',
    8,
    graph(
      'Rows',
      Short,
      'Rows in each table. Each replica counts for itself; the highest count is shown.',
      max('model_rows', selected, ['model']),
    ),
    ...(['inserts', 'updates', 'deletes'] as const).map((change) =>
      graph(
        `Rows per second: ${change}`,
        RowsPerSecond,
        `Rows of ${change} per second. Each row of a bulk statement counts.`,
        rate(`model_${change}_total`, selected, ['model']),
      ),
    ),
  )

/** Statements, connections and rows by service and table. */
export const databaseDashboard = (matchers: Matchers) =>
  dashboardOf(matchers, {
    uid: 'database',
    title: 'Database and models',
    description:
      'Statements of the services to SQLite or PostgreSQL, their latency, and the rows in the tables.',
    lines: [...database(matchers), connections(matchers), models(matchers)],
  })
