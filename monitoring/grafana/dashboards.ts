/**
 * The list of dashboards, and the text of their files. build.ts writes the files; a test compares them.
 */

import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { databaseDashboard } from './database.ts'
import { gateway } from './gateway.ts'
import { loadTest } from './load.ts'
import { overview } from './overview.ts'
import { service } from './service.ts'
import { workersDashboard } from './workers.ts'

/** All dashboards. A new one needs a line here and a run of `bun run dashboards`. */
export const dashboards: readonly Dashboard[] = [
  overview,
  gateway,
  service,
  workersDashboard,
  databaseDashboard,
  loadTest,
]

/** The generated file of a dashboard. */
export function fileOf(dashboard: Dashboard): string {
  return `${import.meta.dir}/dashboards/${dashboard.uid}.json`
}

/**
 * The text of the generated file. `bun fmt` lays it out like every other JSON file, so that the format check needs no
 * exception.
 */
export async function render(dashboard: Dashboard): Promise<string> {
  const formatter = Bun.spawn(
    [process.execPath, '--no-script', 'fmt', `--stdin-filepath=${fileOf(dashboard)}`],
    {
      stdin: new Blob([JSON.stringify(dashboard, null, 2)]),
      stderr: 'inherit',
    },
  )
  const text = await new Response(formatter.stdout).text()
  if ((await formatter.exited) !== 0)
    throw new Error(`bun fmt failed on the dashboard ${dashboard.uid}: see above`)
  return text
}
