/** Cases for rules/gateway.yml; alerts.ts explains them. */

import {
  type AlertCase,
  responses,
  attempts,
  of,
  requests,
  retries,
  targetState,
  upstream,
} from './series.ts'

export const gatewayCases: Record<string, AlertCase> = {
  UpstreamDown: {
    fires: {
      [targetState('healthy')]: '1x120',
      [attempts]: '0+10x120',
      [responses('200')]: '0+10x60 600x60',
    },
    quiet: {
      [targetState('healthy')]: '0x120',
      [targetState('slow_start')]: '1x120',
      [attempts]: '0+10x120',
      [responses('0')]: '0+9x120',
      [responses('503')]: '0+1x120',
    },
    labels: upstream,
  },
  UpstreamTargetEjected: {
    fires: { [targetState('ejected')]: '1x120' },
    quiet: { [targetState('ejected')]: '0x85 1x120' },
    labels: upstream,
    value: '1',
  },
  UpstreamNoAnswer: {
    fires: {
      [responses('0')]: '0+1x120',
      [attempts]: '0+10x120',
    },
    quiet: {
      [responses('0')]: '0+1x120',
      [attempts]: '0+30x120',
    },
    labels: upstream,
    value: '10%',
  },
  UpstreamConnectsFailing: {
    fires: { [of('gateway_upstream_connects_total', upstream, { result: 'timeout' })]: '0+5x120' },
    quiet: {
      [of('gateway_upstream_connects_total', upstream, { result: 'ok' })]: '0+50x120',
      [of('gateway_upstream_connects_total', upstream, { result: 'failed' })]: '0x120',
    },
    labels: upstream,
    value: '0.5',
  },
  RetriesNearBudget: {
    fires: {
      [retries('gone')]: '0+10x120',
      [retries('answer_timeout')]: '0+8x120',
      [attempts]: '0+118x120',
    },
    quiet: { [retries('gone')]: '0+14x120', [retries('unreachable')]: '0+50x120', [attempts]: '0+164x120' },
    labels: upstream,
    value: '18%',
  },
  UpstreamQueueing: {
    fires: { [of('gateway_upstream_queue_length', upstream)]: '3x120' },
    quiet: {
      [of('gateway_upstream_queue_length', upstream)]:
        '3x4 0 3x4 0 3x4 0 3x4 0 3x4 0 3x4 0 3x4 0 3x4 0 3x4 0 3x4 0 3x4 0 3x4 0 3x4 0 3x4 0 3x4 0 3x4 0',
    },
    labels: upstream,
    value: '3',
  },
  GatewayRefusing: {
    fires: {
      [of('gateway_rejections_total', { job: 'gateway', reason: 'framing' })]: '0+1x120',
      [requests('gateway', '400')]: '0+10x120',
    },
    quiet: {
      [of('gateway_rejections_total', { job: 'gateway', reason: 'framing' })]: '0+1x120',
      [requests('gateway', '400')]: '0+100x120',
    },
    labels: {},
    value: '10%',
  },
}
