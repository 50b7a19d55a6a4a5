/** The list of dashboards, and the text of their files. */

import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import type { Objective } from '../rules/objective.ts'
import type { Apps } from '../rules/rule.ts'
import { budget } from './budget.ts'
import { capacity } from './capacity.ts'
import { databaseDashboard } from './database.ts'
import { gateway } from './gateway.ts'
import { loadTest } from './load.ts'
import { overview } from './overview.ts'
import { matchersOf } from './promql.ts'
import { runbooks } from './runbooks.ts'
import { service } from './service.ts'
import { workersDashboard } from './workers.ts'

/** All dashboards for some apps. The dashboard of the gateway needs one; the load test belongs to our own stack. */
export function dashboardsOf(apps: Apps, objectives: readonly Objective[]): Dashboard[] {
  const matchers = matchersOf(apps)
  return [
    overview(matchers, objectives),
    budget(matchers, objectives),
    ...(apps.hasGateway ? [gateway(matchers)] : []),
    service(matchers),
    workersDashboard(matchers),
    databaseDashboard(matchers),
    capacity(matchers),
    ...(apps.hasGateway ? [loadTest(matchers)] : []),
    runbooks(matchers),
  ]
}

/**
 * The text of a generated file. `bun fmt` lays it out like every other JSON file, so that the format check needs no exception.
 * @param path decides how it is laid out
 */
export async function render(dashboard: Dashboard, path: string): Promise<string> {
  const formatter = Bun.spawn([process.execPath, '--no-script', 'fmt', `--stdin-filepath=${path}`], {
    stdin: new Blob([JSON.stringify(dashboard, null, 2)]),
    stderr: 'inherit',
  })
  const text = await new Response(formatter.stdout).text()
  if ((await formatter.exited) !== 0)
    throw new Error(`bun fmt failed on the dashboard ${dashboard.uid}: see above`)
  return text
}
