/** Cases of rules/gateway.yml. See alerts.ts. */

import { type AlertCase, attempts, of, requests, targetState, upstream } from './series.ts'

export const gatewayCases: Record<string, AlertCase> = {
  UpstreamDown: {
    fires: {
      [targetState('healthy')]: '0x120',
      [targetState('slow_start')]: '0x120',
      [targetState('ejected')]: '2x120',
    },
    quiet: { [targetState('healthy')]: '0x120', [targetState('slow_start')]: '1x120' },
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
      [of('gateway_upstream_request_duration_seconds_count', upstream, { http_response_status_code: '0' })]:
        '0+1x120',
      [attempts]: '0+10x120',
    },
    quiet: {
      [of('gateway_upstream_request_duration_seconds_count', upstream, { http_response_status_code: '0' })]:
        '0+1x120',
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
      [of('gateway_upstream_retries_total', upstream, { reason: 'connect' })]: '0+18x120',
      [attempts]: '0+100x120',
    },
    quiet: {
      [of('gateway_upstream_retries_total', upstream, { reason: 'connect' })]: '0+10x120',
      [attempts]: '0+100x120',
    },
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
  GatewayConfigReloadFailed: {
    fires: { [of('gateway_config_reloads_total', { job: 'gateway', result: 'failure' })]: '0x60 1x60' },
    quiet: { [of('gateway_config_reloads_total', { job: 'gateway', result: 'failure' })]: '1x120' },
    labels: { job: 'gateway', result: 'failure' },
  },
}
