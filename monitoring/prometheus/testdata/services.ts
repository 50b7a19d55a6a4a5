/** Cases for rules/services.yml; alerts.ts explains them. */

import {
  type AlertCase,
  between,
  connections,
  databaseErrors,
  dogs,
  of,
  operations,
  requests,
} from './series.ts'

export const servicesCases: Record<string, AlertCase> = {
  ServiceErrors: {
    fires: { [requests('dogs', '500')]: '0+1x120', [requests('dogs', '200')]: '0+9x120' },
    quiet: {
      [requests('dogs', '404')]: '0+9x120',
      [requests('dogs', '200')]: '0+1x120',
      [requests('gateway', '502')]: '0+9x120',
    },
    labels: { job: 'dogs' },
    value: '10%',
  },
  ServiceSlow: {
    fires: between('http_server_request_duration_seconds', '1', '2.5'),
    quiet: between('http_server_request_duration_seconds', '0.5', '1'),
    labels: { job: 'dogs' },
    value: '2.485s',
  },
  RequestsAbandoned: {
    fires: { [of('http_server_abandoned_requests_total', dogs)]: '0x60 3x60' },
    quiet: { [of('http_server_abandoned_requests_total', dogs)]: '3x120' },
    labels: dogs,
    value: '3',
  },
  DatabaseAway: {
    fires: { [connections('idle')]: '4x12 0x60', [connections('used')]: '1x12 0x60' },
    quiet: { [connections('idle')]: '0x120', [connections('used')]: '1x120' },
    labels: dogs,
  },
  DatabaseErrors: {
    fires: { [databaseErrors('SQLITE_CORRUPT')]: '0+1x120', [operations]: '0+20x120' },
    quiet: { [databaseErrors('SQLITE_BUSY')]: '0+1x120', [operations]: '0+20x120' },
    labels: { job: 'dogs' },
    value: '5%',
  },
  DatabaseBusy: {
    fires: { [databaseErrors('SQLITE_BUSY')]: '0+5x120' },
    quiet: {
      [databaseErrors('SQLITE_CONSTRAINT_UNIQUE')]: '0+5x120',
      [databaseErrors('SQLITE_BUSY')]: '0x60 1x60',
    },
    labels: { job: 'dogs' },
    value: '0.5',
  },
  DatabaseSlow: {
    fires: between('db_client_operation_duration_seconds', '0.1', '0.5'),
    quiet: between('db_client_operation_duration_seconds', '0.05', '0.1'),
    labels: { job: 'dogs' },
    value: '496ms',
  },
  DiskFull: {
    fires: {
      [databaseErrors('SQLITE_FULL')]: '_x66 5x60',
      [databaseErrors('SQLITE_IOERR_WRITE')]: '0+1x120',
    },
    quiet: { [databaseErrors('SQLITE_BUSY')]: '0+1x120', [databaseErrors('SQLITE_FULL')]: '5x120' },
    labels: { job: 'dogs' },
    value: '35',
  },
  MigrationsUnapplied: {
    fires: { [of('db_migrations_unapplied', dogs)]: '2x120' },
    quiet: { [of('db_migrations_unapplied', dogs)]: '2x12 0x120' },
    labels: dogs,
    value: '2',
  },
}
