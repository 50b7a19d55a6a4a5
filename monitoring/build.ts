/** `bun run dashboards`: writes the generated dashboards and rule files. Grafana, Prometheus and the tests read the files. */

import { dashboards, fileOf } from './dashboards.ts'
import { render as renderDashboard } from './grafana/dashboards.ts'
import { objectives } from './objectives.ts'
import { render as renderRules, ruleFiles } from './rules/files.ts'
import { stack } from './stack.ts'

for (const dashboard of dashboards) {
  const path = fileOf(dashboard)
  await Bun.write(path, await renderDashboard(dashboard, path))
}
for (const file of ruleFiles(stack, objectives)) {
  await Bun.write(`${import.meta.dir}/prometheus/rules/${file.name}.yml`, renderRules(file))
}
