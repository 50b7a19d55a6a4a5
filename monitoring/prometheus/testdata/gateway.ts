/** Cases for rules/gateway.yml. */

import {
  type AlertCase,
  always,
  attempts,
  of,
  perSecond,
  requests,
  responses,
  risesFrom,
  retries,
  step,
  targetState,
  upstream,
} from './series.ts'

const connects = (result: string) => of('gateway_upstream_connects_total', upstream, { result })
const rejections = of('gateway_rejections_total', { job: 'gateway', reason: 'framing' })
/** The same series of a second gateway. */
const second = (series: string) => series.replace('}', ', instance="b:1"}')
const queue = of('gateway_upstream_queue_length', upstream)

export const gatewayCases: Record<string, readonly AlertCase[]> = {
  UpstreamDown: [
    {
      claim: 'two gateways see 0.104 failures per second together',
      series: { [responses('0')]: perSecond(0.052), [second(responses('0'))]: perSecond(0.052) },
      looks: { '15m': [{ labels: upstream }] },
    },
    {
      claim: 'failures begin',
      series: { [responses('0')]: risesFrom(600, 0.2) },
      looks: {},
      fires: [660],
    },
    {
      claim: 'responses end while others fail',
      series: { [responses('0')]: perSecond(1), [responses('200')]: '0+1x59 60x120' },
      looks: {},
      fires: [680],
    },
    {
      claim: 'the first attempts ever fail',
      series: { [responses('0')]: '_x60 5+5x120' },
      looks: {},
      fires: [640],
    },
    {
      claim: 'the first response ever comes after failures, and no other',
      series: { [responses('0')]: risesFrom(10, 5), [responses('200')]: '_x60 1x120' },
      looks: { '670s': [], '710s': [{ labels: upstream }] },
    },
    {
      claim: 'no target for 30 seconds',
      series: {
        [targetState('healthy')]: step(1, 60, 0),
        [targetState('slow_start')]: always(0),
        [targetState('ejected')]: always(1),
      },
      looks: { '80s': [], '90s': [{ labels: upstream }] },
    },
    {
      claim: 'all attempts fail for 30 seconds, although the last target counts as healthy',
      series: {
        [targetState('healthy')]: always(1),
        [responses('200')]: '0+10x60 600x100',
        [responses('0')]: '0x60 0+2x100',
      },
      looks: { '640s': [], '12m': [{ labels: upstream }] },
    },
    {
      claim: 'fewer than 6 failures a minute',
      series: { [responses('0')]: perSecond(0.095) },
      looks: { '15m': [] },
    },
    {
      claim: 'a target in slow start',
      series: { [targetState('healthy')]: always(0), [targetState('slow_start')]: always(1) },
      looks: { '15m': [] },
    },
    {
      claim: 'one response a minute among failures',
      series: { [responses('0')]: perSecond(5), [responses('503')]: '0+1x180' },
      looks: { '15m': [] },
    },
    {
      claim: 'the first requests ever succeed within one scrape',
      series: {
        [attempts]: '0x2 20x60',
        [responses('0')]: always(0),
        [responses('200')]: '_x3 20x60',
      },
      looks: { '60s': [], '90s': [] },
    },
    {
      claim: 'the first response ever comes after failures',
      series: { [responses('0')]: perSecond(5), [responses('200')]: '_x60 1x60' },
      looks: { '590s': [{ labels: upstream }], '610s': [] },
    },
    {
      claim: 'all attempts fail a minute after the first responses ever',
      series: { [responses('200')]: '_x3 20x60', [responses('0')]: '0x9 0+5x60' },
      looks: { '100s': [], '4m': [{ labels: upstream }] },
    },
    {
      claim: 'every response takes longer than a minute',
      series: {
        [attempts]: perSecond(5),
        [responses('0')]: always(0),
        [responses('200')]: '0x12 50x12 100x12',
      },
      looks: { '2m': [], '3m': [], '4m': [], '5m': [] },
    },
  ],
  UpstreamTargetEjected: [
    {
      claim: 'an ejected target for two minutes, at one of two gateways',
      series: { [targetState('ejected')]: step(0, 60, 1), [second(targetState('ejected'))]: always(0) },
      looks: { '170s': [], '180s': [{ labels: upstream, value: '1' }] },
    },
  ],
  UpstreamNoAnswer: [
    {
      claim: '5.2 % of the attempts of two gateways',
      series: {
        [responses('0')]: perSecond(0.00312),
        [second(responses('0'))]: perSecond(0.00312),
        [attempts]: perSecond(0.06),
        [second(attempts)]: perSecond(0.06),
      },
      looks: { '10m': [{ labels: upstream, value: '5.2%' }] },
    },
    {
      claim: 'more attempts, and some of them fail',
      series: { [responses('0')]: risesFrom(600, 1), [attempts]: risesFrom(600, 10, 1) },
      looks: {},
      fires: [740],
    },
    {
      claim: 'a few attempts begin and all fail',
      series: { [responses('0')]: risesFrom(600, 0.15), [attempts]: risesFrom(600, 0.15) },
      looks: {},
      fires: [920],
    },
    {
      claim: '5.2 % without a response',
      series: { [responses('0')]: perSecond(0.52), [attempts]: perSecond(10) },
      looks: { '110s': [], '10m': [{ labels: upstream, value: '5.2%' }] },
    },
    {
      claim: '4.8 % without a response',
      series: {
        [responses('0')]: perSecond(0.48),
        [responses('502')]: perSecond(5),
        [attempts]: perSecond(10),
      },
      looks: { '10m': [] },
    },
    {
      claim: 'every third of few attempts',
      series: { [responses('0')]: perSecond(0.03), [attempts]: perSecond(0.095) },
      looks: { '15m': [] },
    },
  ],
  UpstreamConnectsFailing: [
    {
      claim: 'two gateways, more than one in five seconds together',
      series: { [connects('failed')]: perSecond(0.104), [second(connects('failed'))]: perSecond(0.104) },
      looks: { '10m': [{ labels: upstream, value: '0.2' }] },
    },
    {
      claim: 'connects begin to fail',
      series: { [connects('failed')]: risesFrom(600, 0.4) },
      looks: {},
      fires: [870],
    },
    ...['failed', 'timeout'].map((result) => ({
      claim: `more than one ${result} in five seconds`,
      series: { [connects(result)]: perSecond(0.21) },
      looks: { '110s': [], '10m': [{ labels: upstream, value: '0.2' }] },
    })),
    {
      claim: 'fewer than one in five seconds',
      series: {
        [connects('ok')]: perSecond(5),
        [connects('failed')]: perSecond(0.1),
        [connects('timeout')]: perSecond(0.09),
      },
      looks: { '15m': [] },
    },
  ],
  RetriesNearBudget: [
    {
      claim: '15.5 % at two gateways',
      series: {
        [retries('gone')]: perSecond(0.00775),
        [second(retries('gone'))]: perSecond(0.00775),
        [attempts]: perSecond(0.05775),
        [second(attempts)]: perSecond(0.05775),
      },
      looks: { '10m': [{ labels: upstream, value: '15.5%' }] },
    },
    {
      claim: 'more requests, and many of them are retried',
      series: { [retries('gone')]: risesFrom(600, 3.1), [attempts]: risesFrom(600, 13, 5) },
      looks: {},
      fires: [810],
    },
    {
      claim: 'a few requests begin and all are retried',
      series: { [retries('gone')]: risesFrom(600, 0.07), [attempts]: risesFrom(600, 0.15) },
      looks: {},
      fires: [920],
    },
    ...['gone', 'answer_timeout'].map((reason) => ({
      claim: `15.5 % are retried because of ${reason}`,
      series: { [retries(reason)]: perSecond(1.55), [attempts]: perSecond(11.55) },
      looks: { '110s': [], '10m': [{ labels: upstream, value: '15.5%' }] },
    })),
    {
      claim: '14.5 % use the budget, and other retries do not',
      series: {
        [retries('gone')]: perSecond(1.45),
        [retries('stale')]: perSecond(2),
        [retries('unreachable')]: perSecond(2),
        [retries('connect_timeout')]: perSecond(2),
        [attempts]: perSecond(17.45),
      },
      looks: { '15m': [] },
    },
    {
      claim: 'half of few requests',
      series: { [retries('gone')]: perSecond(0.03), [attempts]: perSecond(0.09) },
      looks: { '15m': [] },
    },
  ],
  UpstreamQueueing: [
    {
      claim: 'requests wait for two minutes, at one of two gateways',
      series: { [queue]: step(0, 60, 3), [second(queue)]: always(0) },
      looks: { '190s': [{ labels: upstream, value: '3' }] },
      fires: [170],
    },
    {
      claim: 'one request waits',
      series: { [queue]: always(1) },
      looks: { '5m': [{ labels: upstream, value: '1' }] },
    },
    {
      claim: 'the queue is empty once a minute',
      series: { [queue]: '3x4 0 3x4 0 3x4 0 3x4 0 3x4 0 3x4 0 3x4 0 3x4 0 3x4 0 3x4 0' },
      looks: { '3m': [], '5m': [], '8m': [] },
    },
  ],
  GatewayRefusing: [
    {
      claim: '5.2 % of the requests to two gateways',
      series: {
        [rejections]: perSecond(0.052),
        [second(rejections)]: perSecond(0.052),
        [requests('gateway', '400')]: perSecond(1),
        [requests('gateway', '400').replace('gateway:1', 'b:1')]: perSecond(1),
      },
      looks: { '10m': [{ labels: { job: 'gateway' }, value: '5.2%' }] },
    },
    {
      claim: 'more requests, and some of them are rejected',
      series: { [rejections]: risesFrom(600, 1), [requests('gateway', '400')]: risesFrom(600, 10, 1) },
      looks: {},
      fires: [930],
    },
    {
      claim: 'a few requests begin and all are rejected',
      series: { [rejections]: risesFrom(600, 0.15), [requests('gateway', '400')]: risesFrom(600, 0.15) },
      looks: {},
      fires: [1100],
    },
    {
      claim: '5.2 % for five minutes',
      series: { [rejections]: perSecond(0.52), [requests('gateway', '400')]: perSecond(10) },
      looks: { '290s': [], '10m': [{ labels: { job: 'gateway' }, value: '5.2%' }] },
    },
    {
      claim: '4.8 %',
      series: { [rejections]: perSecond(0.48), [requests('gateway', '400')]: perSecond(10) },
      looks: { '15m': [] },
    },
    {
      claim: 'connections of two gateways are rejected, and there are fewer requests',
      series: {
        [rejections]: perSecond(0.06),
        [second(rejections)]: perSecond(0.06),
        [requests('gateway', '400')]: perSecond(0.1),
      },
      looks: { '10m': [{ labels: { job: 'gateway' }, value: '100%' }] },
    },
    {
      claim: 'first connections are rejected, and requests begin later',
      series: { [rejections]: risesFrom(600, 0.2), [requests('gateway', '200')]: risesFrom(720, 5) },
      looks: { '1000s': [], '15m': [], '20m': [] },
    },
    {
      claim: 'all of few requests',
      series: { [rejections]: perSecond(0.095), [requests('gateway', '400')]: perSecond(0.095) },
      looks: { '15m': [] },
    },
  ],
}
