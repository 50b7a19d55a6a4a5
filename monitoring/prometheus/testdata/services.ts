/** Cases for rules/services.yml. */

import {
  type AlertCase,
  always,
  between,
  databaseErrors,
  dogs,
  of,
  perSecond,
  requests,
  statements,
  step,
  up,
} from './series.ts'

const BUSY = ['SQLITE_BUSY', 'POOL_TIMEOUT', '57014']
const FULL = ['SQLITE_FULL', 'SQLITE_IOERR', 'SQLITE_IOERR_WRITE', '53100']
const job = { job: 'dogs' }
const duration = 'http_server_request_duration_seconds'
const connections = (state: string, instance = dogs.instance) =>
  of('db_client_connection_count', { job: 'dogs', instance, state })

/** A histogram whose requests are counted, too. */
const latency = (lower: string, upper: string, rate = 10) => ({
  ...between(duration, lower, upper, rate),
  [of(`${duration}_count`, dogs)]: perSecond(rate),
})
const statementLatency = (lower: string, upper: string, rate = 10) => ({
  ...between('db_client_operation_duration_seconds', lower, upper, rate),
  [statements]: perSecond(rate),
})

export const servicesCases: Record<string, readonly AlertCase[]> = {
  ServiceErrors: [
    {
      claim: '5.2 % fail for two minutes',
      series: { [requests('dogs', '500')]: perSecond(0.52), [requests('dogs', '200')]: perSecond(9.48) },
      looks: { '110s': [], '10m': [{ labels: job, value: '5.2%' }] },
    },
    {
      claim: '4.8 % fail, and others get 404',
      series: {
        [requests('dogs', '503')]: perSecond(0.48),
        [requests('dogs', '404')]: perSecond(9),
        [requests('dogs', '200')]: perSecond(0.52),
      },
      looks: { '15m': [] },
    },
    {
      claim: 'the gateway is no service',
      series: { [requests('gateway', '502')]: perSecond(9) },
      looks: { '15m': [] },
    },
    {
      claim: 'every third of few requests',
      series: { [requests('dogs', '500')]: perSecond(0.03), [requests('dogs', '200')]: perSecond(0.06) },
      looks: { '15m': [] },
    },
    {
      claim: 'a burst of errors, the first of their kind, within one scrape',
      series: {
        [up('dogs')]: always(1),
        [requests('dogs', '200')]: perSecond(1),
        [requests('dogs', '500')]: '_x60 3000x60',
      },
      looks: { '600s': [], '13m': [{ labels: job, value: '90.91%' }], '18m': [] },
    },
  ],
  ServiceSlow: [
    {
      claim: 'p99 above one second for five minutes',
      series: latency('1', '1.01'),
      looks: { '290s': [], '10m': [{ labels: job, value: '1.01s' }] },
    },
    { claim: 'p99 just below one second', series: latency('0.9', '1'), looks: { '15m': [] } },
    { claim: 'few requests', series: latency('1', '1.01', 0.095), looks: { '15m': [] } },
  ],
  RequestsAbandoned: [
    {
      claim: 'workers died with requests in flight',
      series: { [of('http_server_abandoned_requests_total', dogs)]: '0x60 3x60' },
      looks: { '10m': [], '15m': [{ labels: dogs, value: '3' }] },
    },
    {
      claim: 'abandoned requests of long ago',
      series: { [of('http_server_abandoned_requests_total', dogs)]: always(3) },
      looks: { '15m': [] },
    },
  ],
  DatabaseAway: [
    {
      claim: 'the only replica has no connection for 30 seconds',
      series: { [connections('idle')]: step(4, 60, 0), [connections('used')]: step(1, 60, 0) },
      looks: { '80s': [], '90s': [{ labels: job, value: '100%' }] },
    },
    {
      claim: 'one of two replicas has none',
      series: { [connections('idle')]: always(0), [connections('idle', 'b:1')]: always(1) },
      looks: { '60s': [{ labels: job, value: '50%' }] },
    },
    {
      claim: 'one of three replicas has none',
      series: {
        [connections('idle')]: always(0),
        [connections('idle', 'b:1')]: always(1),
        [connections('idle', 'c:1')]: always(1),
      },
      looks: { '15m': [] },
    },
    {
      claim: 'all connections are in use',
      series: { [connections('idle')]: always(0), [connections('used')]: always(1) },
      looks: { '15m': [] },
    },
  ],
  DatabaseErrors: [
    {
      claim: '1.04 % fail for two minutes',
      series: { [databaseErrors('SQLITE_CORRUPT')]: perSecond(0.104), [statements]: perSecond(10) },
      looks: { '110s': [], '10m': [{ labels: job, value: '1.04%' }] },
    },
    {
      claim: '0.96 % fail',
      series: { [databaseErrors('SQLITE_CORRUPT')]: perSecond(0.096), [statements]: perSecond(10) },
      looks: { '15m': [] },
    },
    ...BUSY.map((code) => ({
      claim: `${code} is the case of DatabaseBusy`,
      series: { [databaseErrors(code)]: perSecond(5), [statements]: perSecond(10) },
      looks: { '15m': [] },
    })),
    {
      claim: 'one of few statements',
      series: { [databaseErrors('SQLITE_ERROR')]: perSecond(0.03), [statements]: perSecond(0.09) },
      looks: { '15m': [] },
    },
  ],
  DatabaseBusy: [
    ...BUSY.map((code) => ({
      claim: `${code} more than once in ten seconds, for two minutes`,
      series: { [databaseErrors(code)]: perSecond(0.104) },
      looks: { '110s': [], '10m': [{ labels: job, value: '0.1' }] },
    })),
    {
      claim: 'fewer than one in ten seconds, and other errors',
      series: {
        [databaseErrors('SQLITE_BUSY')]: perSecond(0.096),
        [databaseErrors('SQLITE_CONSTRAINT_UNIQUE')]: perSecond(5),
      },
      looks: { '15m': [] },
    },
  ],
  DatabaseSlow: [
    {
      claim: 'p99 above 100 ms for five minutes',
      series: statementLatency('0.1', '0.11'),
      looks: { '290s': [], '10m': [{ labels: job, value: '109.9ms' }] },
    },
    { claim: 'p99 just below 100 ms', series: statementLatency('0.09', '0.1'), looks: { '15m': [] } },
    { claim: 'few statements', series: statementLatency('0.1', '0.11', 0.095), looks: { '15m': [] } },
  ],
  DiskFull: [
    ...FULL.map((code) => ({
      claim: `${code} for the first time`,
      series: { [up('dogs', dogs.instance)]: always(1), [databaseErrors(code)]: '_x60 5x60' },
      looks: { '590s': [], '600s': [{ labels: job, value: '5' }], '901s': [] },
    })),
    {
      claim: 'SQLITE_FULL again',
      series: { [databaseErrors('SQLITE_FULL')]: '5x59 5+1x100' },
      looks: { '600s': [], '15m': [{ labels: job, value: '30' }] },
    },
    {
      claim: 'old errors after Prometheus was down',
      series: {
        [up('dogs', dogs.instance)]: '1x10 _x60 1x100',
        [databaseErrors('SQLITE_FULL')]: '5x10 _x60 5x100',
      },
      looks: { '710s': [], '12m': [], '15m': [] },
    },
    {
      claim: 'other errors',
      series: { [databaseErrors('SQLITE_BUSY')]: perSecond(1), [databaseErrors('53300')]: perSecond(1) },
      looks: { '15m': [] },
    },
  ],
  MigrationsUnapplied: [
    {
      claim: 'migrations are missing for five minutes',
      series: { [of('db_migrations_unapplied', dogs)]: step(0, 60, 2) },
      looks: { '350s': [], '360s': [{ labels: dogs, value: '2' }] },
    },
  ],
}
