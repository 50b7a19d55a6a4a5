/** Cases for rules/services.yml: databases. */

import {
  type AlertCase,
  always,
  amongFast,
  between,
  databaseErrors,
  dogs,
  of,
  perSecond,
  risesFrom,
  statements,
  step,
  up,
  slowFrom,
} from './series.ts'

const BUSY = ['SQLITE_BUSY', 'POOL_TIMEOUT', '57014']
const FULL = ['SQLITE_FULL', 'SQLITE_IOERR', 'SQLITE_IOERR_WRITE', '53100']
const job = { job: 'dogs' }
const connections = (state: string, instance = dogs.instance) =>
  of('db_client_connection_count', { job: 'dogs', instance, state })
const statementLatency = (lower: string, upper: string, rate = 10) => ({
  ...between('db_client_operation_duration_seconds', lower, upper, rate),
  [statements]: perSecond(rate),
})
/** Errors whose series is new, of an instance that is known to count from 0. */
const burst = (code: string, count: number) => ({
  [up('dogs', dogs.instance)]: always(1),
  [databaseErrors(code)]: `_x60 ${count}x120`,
})
/** The same where the value may be old: another instance and another job are known to count from 0. */
const unknown = (code: string, count: number) => ({
  [up('dogs', 'b:1')]: always(1),
  [up('cats', dogs.instance)]: always(1),
  [databaseErrors(code)]: `_x60 ${count}x120`,
})
/** A second instance, whose values are all in the lower of two buckets. */
const secondOf = (metric: string, lower: string, upper: string) => ({
  [of(`${metric}_bucket`, job, { instance: 'b:1', le: lower })]: perSecond(9),
  [of(`${metric}_bucket`, job, { instance: 'b:1', le: upper })]: perSecond(9),
  [of(`${metric}_bucket`, job, { instance: 'b:1', le: '+Inf' })]: perSecond(9),
})

export const databaseCases: Record<string, readonly AlertCase[]> = {
  DatabaseAway: [
    {
      claim: '8 of 17 replicas have none',
      series: Object.fromEntries(
        Array.from({ length: 17 }, (_, index) => [
          connections('idle', `r${index}:1`),
          always(index < 8 ? 0 : 1),
        ]),
      ),
      looks: { '10m': [] },
    },
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
      claim: 'a burst of errors, the first of their kind, counts for five minutes',
      series: { ...burst('SQLITE_CORRUPT', 30), [statements]: perSecond(1) },
      looks: { '720s': [{ labels: job, value: '10%' }] },
      fires: [720, 900],
    },
    {
      claim: 'a burst that may be old does not count',
      series: { ...unknown('SQLITE_CORRUPT', 30), [statements]: perSecond(1) },
      looks: { '720s': [], '890s': [] },
    },
    ...BUSY.map((code) => ({
      claim: `a burst of ${code} is the case of DatabaseBusy`,
      series: { ...burst(code, 300), [statements]: perSecond(1) },
      looks: { '720s': [], '890s': [] },
    })),
    {
      claim: 'a tenth of few statements of two instances',
      series: {
        [databaseErrors('SQLITE_CORRUPT')]: perSecond(0.0052),
        [databaseErrors('SQLITE_IOERR')]: perSecond(0.0052),
        [statements]: perSecond(0.052),
        [statements.replace('dogs:9001', 'b:1')]: perSecond(0.052),
      },
      looks: { '10m': [{ labels: job, value: '10%' }] },
    },
    {
      claim: 'more statements, and some of them fail',
      series: {
        [databaseErrors('SQLITE_CORRUPT')]: risesFrom(600, 0.2),
        [statements]: risesFrom(600, 10, 1),
      },
      looks: {},
      fires: [740],
    },
    {
      claim: 'a few statements begin and all fail',
      series: {
        [databaseErrors('SQLITE_CORRUPT')]: risesFrom(600, 0.15),
        [statements]: risesFrom(600, 0.15),
      },
      looks: {},
      fires: [920],
    },
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
      claim: 'some of few statements',
      series: { [databaseErrors('SQLITE_ERROR')]: perSecond(0.03), [statements]: perSecond(0.09) },
      looks: { '15m': [] },
    },
    {
      claim: 'hardly three of more statements in five minutes',
      series: { [databaseErrors('SQLITE_ERROR')]: perSecond(0.0096), [statements]: perSecond(0.5) },
      looks: { '15m': [] },
    },
    {
      claim: 'a few more than three of more statements in five minutes',
      series: { [databaseErrors('SQLITE_ERROR')]: perSecond(0.0104), [statements]: perSecond(0.5) },
      looks: { '10m': [{ labels: job, value: '2.08%' }] },
    },
  ],
  DatabaseBusy: [
    ...BUSY.map((code) => ({
      claim: `a burst of ${code}, the first of their kind, counts for five minutes`,
      series: burst(code, 31),
      looks: { '720s': [{ labels: job, value: '0.1' }] },
      fires: [720, 900] as const,
    })),
    {
      claim: 'bursts of other errors, and of 29',
      series: { ...burst('SQLITE_CONSTRAINT_UNIQUE', 300), [databaseErrors('SQLITE_BUSY')]: '_x60 29x120' },
      looks: { '720s': [], '890s': [] },
    },
    {
      claim: 'a burst that may be old does not count',
      series: unknown('SQLITE_BUSY', 300),
      looks: { '720s': [], '890s': [] },
    },
    {
      claim: 'two codes together, and they begin',
      series: {
        [databaseErrors('SQLITE_BUSY')]: risesFrom(600, 0.08),
        [databaseErrors('57014')]: risesFrom(600, 0.08),
      },
      looks: {},
      fires: [900],
    },
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
      claim: 'one of two instances is slow',
      series: {
        ...statementLatency('0.1', '0.106'),
        ...secondOf('db_client_operation_duration_seconds', '0.1', '0.106'),
      },
      looks: { '10m': [{ labels: job, value: '105.9ms' }] },
    },
    {
      claim: 'some slow statements begin among fast ones: 1 % of five minutes',
      series: amongFast('db_client_operation_duration_seconds', dogs),
      looks: {},
      fires: [1090],
    },
    {
      claim: 'a few slow statements begin',
      series: slowFrom('db_client_operation_duration_seconds', '0.1', '0.11', 0.15),
      looks: {},
      fires: [1100],
    },
    {
      claim: 'p99 above 100 ms for five minutes',
      series: statementLatency('0.1', '0.11'),
      looks: { '290s': [], '10m': [{ labels: job, value: '109.9ms' }] },
    },
    {
      claim: 'few statements of each of two instances',
      series: {
        ...statementLatency('0.1', '0.11', 0.06),
        [statements.replace('dogs:9001', 'b:1')]: perSecond(0.06),
      },
      looks: { '10m': [{ labels: job, value: '109.9ms' }] },
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
      claim: 'one statement, and many of another instance',
      series: {
        ...burst('SQLITE_FULL', 1),
        [up('dogs', 'b:1')]: always(1),
        [databaseErrors('53100').replace('dogs:9001', 'b:1')]: '_x60 50x120',
      },
      looks: { '720s': [{ labels: job, value: '51' }] },
    },
    {
      claim: 'one statement',
      series: burst('SQLITE_IOERR', 1),
      looks: { '720s': [{ labels: job, value: '1' }] },
      fires: [600, 900],
    },
    {
      claim: 'a burst that may be old does not count',
      series: unknown('SQLITE_FULL', 30),
      looks: { '720s': [], '890s': [] },
    },
    ...FULL.map((code) => ({
      claim: `${code} long ago, and Prometheus has seen it`,
      series: { [up('dogs', dogs.instance)]: always(1), [databaseErrors(code)]: always(9) },
      looks: { '15m': [] },
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
      claim: 'a migration is missing for five minutes',
      series: { [of('db_migrations_unapplied', dogs)]: step(0, 60, 1) },
      looks: { '350s': [], '360s': [{ labels: dogs, value: '1' }] },
    },
  ],
}
