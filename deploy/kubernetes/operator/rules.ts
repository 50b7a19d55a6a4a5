/** Prints the rules of monitoring/prometheus as a PrometheusRule: `bun deploy/kubernetes/operator/rules.ts | kubectl apply -f -`. */
import { join } from 'node:path'

const RULES = join(import.meta.dir, '../../../monitoring/prometheus/rules')

interface RuleFile {
  groups: object[]
}

const files = [...new Bun.Glob('*.yml').scanSync(RULES)].toSorted()
const groups = await Promise.all(
  files.map(async (file) => (Bun.YAML.parse(await Bun.file(join(RULES, file)).text()) as RuleFile).groups),
)
const rule = {
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'PrometheusRule',
  metadata: { name: 'bun-monitoring' },
  spec: { groups: groups.flat() },
}
console.log(JSON.stringify(rule, null, 2))
