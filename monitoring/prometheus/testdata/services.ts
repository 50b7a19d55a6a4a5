/** Cases for rules/services.yml: requests. */

import {
  type AlertCase,
  always,
  between,
  dogs,
  of,
  perSecond,
  requests,
  risesFrom,
  up,
  slowFrom,
} from './series.ts'

const job = { job: 'dogs' }
const duration = 'http_server_request_duration_seconds'
/** A histogram whose requests are counted, too. */
const latency = (lower: string, upper: string, rate = 10) => ({
  ...between(duration, lower, upper, rate),
  [of(`${duration}_count`, dogs)]: perSecond(rate),
})

export const servicesCases: Record<string, readonly AlertCase[]> = {
  ServiceErrors: [
    {
      claim: '5.2 % of cats fail',
      series: { [requests('cats', '500')]: perSecond(0.52), [requests('cats', '200')]: perSecond(9.48) },
      looks: { '10m': [{ labels: { job: 'cats' }, value: '5.2%' }] },
    },
    {
      claim: 'more requests, and some of them fail',
      series: {
        [requests('dogs', '200')]: risesFrom(600, 9, 1),
        [requests('dogs', '500')]: risesFrom(600, 1),
      },
      looks: {},
      fires: [740],
    },
    {
      claim: 'a few requests begin and all fail',
      series: { [requests('dogs', '500')]: risesFrom(600, 0.15) },
      looks: {},
      fires: [920],
    },
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
      claim: 'cats are slow',
      series: Object.fromEntries(
        Object.entries(latency('1', '1.01')).map(([name, values]) => [
          name.replaceAll('dogs', 'cats'),
          values,
        ]),
      ),
      looks: { '10m': [{ labels: { job: 'cats' }, value: '1.01s' }] },
    },
    {
      claim: 'a few slow requests begin',
      series: slowFrom(duration, '1', '1.1', 0.15),
      looks: {},
      fires: [1100],
    },
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
      claim: 'a worker died with one request in flight',
      series: { [of('http_server_abandoned_requests_total', dogs)]: '0x59 1x180' },
      looks: { '15m': [{ labels: dogs, value: '1' }] },
      fires: [600, 1490],
    },
    {
      claim: 'abandoned requests of long ago',
      series: { [of('http_server_abandoned_requests_total', dogs)]: always(3) },
      looks: { '15m': [] },
    },
  ],
}
