/** Our own stack, for which the committed rules and dashboards are made. The environment sets the addresses of links. */

import { services } from '../services/names.ts'
import type { Apps } from './rules/rule.ts'

export const stack: Apps = {
  edge: ['gateway'],
  services,
  hasGateway: true,
  exporter: 'exporter',
  prometheus: 'prometheus',
  grafanaUrl: Bun.env.GRAFANA_URL ?? 'http://localhost:3000',
  ...(Bun.env.RUNBOOKS_URL === undefined ? {} : { runbooksUrl: Bun.env.RUNBOOKS_URL }),
}
