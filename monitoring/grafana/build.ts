/** `bun run dashboards`: writes the generated dashboards. Grafana and the tests read the files. */

import { dashboards, fileOf, render } from './dashboards.ts'

for (const dashboard of dashboards) {
  await Bun.write(fileOf(dashboard), await render(dashboard))
  console.log(`wrote ${fileOf(dashboard)}`)
}
