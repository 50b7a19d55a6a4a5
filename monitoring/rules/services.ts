/** Alerts about the services and their databases. */

import { current, increase5m, LEAST_RATE, rate5m } from './promql.ts'
import { type Apps, alertsOf, dashboardFor, jobs, type RuleFile } from './rule.ts'

const app = '{{ $labels.job }}'
const statements = 'sum by (job) (rate(db_client_operation_duration_seconds_count[5m]))'
/** Errors of statements that waited too long: for a lock, for a connection, or in PostgreSQL. */
const BUSY = 'SQLITE_BUSY|POOL_TIMEOUT|57014'
const FULL = 'SQLITE_FULL|SQLITE_IOERR.*|53100'
const errors = (matcher: string) => `db_client_operation_errors_total{error_type${matcher}}`
const failed = `sum by (job) ${rate5m(errors(`!~"${BUSY}"`))}`

export const services = (apps: Apps): RuleFile => ({
  name: 'services',
  comment: 'The services and their databases.',
  groups: [{ name: 'services', rules: [...requests(apps), ...databases(apps)] }],
})

function requests(apps: Apps) {
  const alert = alertsOf(apps)
  const about = { app, runbook: 'services', dashboard: dashboardFor('service') } as const
  const service = jobs(apps.services)
  const enough = `job:http_requests:rate5m{${service}} > ${LEAST_RATE}`
  return [
    alert('ServiceErrors', {
      ...about,
      expr: `job:http_errors:ratio_rate5m{${service}} > 0.05 and ${enough}`,
      for: '2m',
      severity: 'ticket',
      summary: '{{ $value | humanizePercentage }} of the requests to {{ $labels.job }} fail',
      description:
        'They get a 5xx response. The dashboard shows the type of the error and its route, the log has the stack trace.',
    }),
    alert('ServiceSlow', {
      ...about,
      expr: `job:http_request_duration_seconds:p99_5m{${service}} > 1 and ${enough}`,
      for: '5m',
      severity: 'ticket',
      summary: '1 of 100 requests to {{ $labels.job }} takes longer than {{ $value | humanizeDuration }}',
      description:
        'Compare with the latency of the database and the lag of the event loop: one of them usually causes the other.',
    }),
    alert('RequestsAbandoned', {
      ...about,
      expr: 'increase(http_server_abandoned_requests_total[15m]) > 0',
      severity: 'ticket',
      summary:
        '{{ $value | printf "%.0f" }} requests to {{ $labels.job }} were in flight in workers that died',
      description: 'Whether they were processed is unknown. The dashboard Workers shows why workers died.',
    }),
  ]
}

function databases(apps: Apps) {
  const alert = alertsOf(apps)
  const connections = `sum by (job, instance) ${current('db_client_connection_count', apps)}`
  const about = { app, runbook: 'database', dashboard: dashboardFor('database') } as const
  return [
    // With one replica of three away the others serve: then burn rates and ServiceErrors tell whether clients suffer.
    alert('DatabaseAway', {
      ...about,
      expr: `count by (job) (${connections} == 0) / count by (job) (${connections}) >= 0.5`,
      for: '30s',
      severity: 'page',
      summary:
        '{{ $value | humanizePercentage }} of the replicas of {{ $labels.job }} have no connection to PostgreSQL',
      description:
        'Every request to them gets 503 with Retry-After. They reconnect by themselves when the database is back; no restart is needed.',
    }),
    alert('DatabaseErrors', {
      ...about,
      // Of few statements a single one is more than 1 %: there must be more than three in 5 minutes.
      expr: `(${failed} > 0.01)\n/ ${statements} > 0.01\nand ${statements} > ${LEAST_RATE}`,
      for: '2m',
      severity: 'ticket',
      summary: '{{ $value | humanizePercentage }} of the statements of {{ $labels.job }} fail',
      description:
        "The dashboard shows the codes. SQLITE_CORRUPT, SQLITE_IOERR and SQLITE_READONLY are faults of the disk, not of the program; codes of five characters are PostgreSQL's.",
    }),
    alert('DatabaseBusy', {
      ...about,
      expr: `sum by (job) ${rate5m(errors(`=~"${BUSY}"`))} > 0.1`,
      for: '2m',
      severity: 'ticket',
      summary: '{{ $value | printf "%.1f" }} statements of {{ $labels.job }} per second waited too long',
      description:
        'Clients get 503. SQLite: another process holds the write lock for more than a second, perhaps a tool that has the file open. PostgreSQL: no connection was free, or a statement took too long.',
    }),
    alert('DatabaseSlow', {
      ...about,
      expr: `histogram_quantile(0.99, sum by (job, le) (rate(db_client_operation_duration_seconds_bucket[5m]))) > 0.1\nand ${statements} > ${LEAST_RATE}`,
      for: '5m',
      severity: 'ticket',
      summary: '1 of 100 statements of {{ $labels.job }} takes longer than {{ $value | humanizeDuration }}',
      description: 'Causes: a missing index, a long wait for the write lock, or a slow disk.',
    }),
    alert('DiskFull', {
      ...about,
      expr: `sum by (job) (${increase5m(errors(`=~"${FULL}"`))}) > 0`,
      severity: 'page',
      summary: '{{ $value | printf "%.0f" }} statements of {{ $labels.job }} could not be written to disk',
      description: 'The disk is full or broken. Writes fail; lists are still served.',
    }),
    alert('MigrationsUnapplied', {
      ...about,
      expr: 'db_migrations_unapplied > 0',
      for: '5m',
      severity: 'ticket',
      summary: 'the database of {{ $labels.job }} lacks {{ $value | printf "%.0f" }} migrations',
      description:
        'The program expects a newer schema than the database has. A start of the service applies the migrations; if that failed, its log has the error.',
    }),
  ]
}
