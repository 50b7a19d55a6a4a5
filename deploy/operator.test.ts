/**
 * The two documents for the Prometheus operator, against the fields that its custom resources have. The API server drops a field that it
 * does not know and rejects a wrong value; kubernetes-validate and kubeconform know only Kubernetes' own kinds.
 */
import { describe, expect, test } from 'bun:test'

/** A string, a list, or an object: `*` stands for any further field, `!` after a name for one that must be there. */
type Shape = RegExp | readonly [Shape] | { readonly [field: string]: Shape }

const text = /^/
const texts: Shape = { '*': text }
const duration = /^(0|(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?)$/
const metadata: Shape = {
  'name!': /^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/,
  namespace: text,
  labels: texts,
  annotations: texts,
}
const head: Shape = { 'apiVersion!': /^monitoring\.coreos\.com\/v1$/, 'metadata!': metadata }

/**
 * The fields that we use or might use, from example/prometheus-operator-crd/monitoring.coreos.com_{prometheusrules,podmonitors}.yaml of
 * github.com/prometheus-operator/prometheus-operator, versions 0.82.2 and 0.91.0.
 */
const CRDS: Record<string, Shape> = {
  PrometheusRule: {
    ...head,
    'kind!': /^PrometheusRule$/,
    'spec!': {
      groups: [
        {
          'name!': /./,
          interval: duration,
          query_offset: duration,
          labels: texts,
          rules: [
            {
              'expr!': text,
              alert: text,
              record: text,
              for: duration,
              keep_firing_for: duration,
              labels: texts,
              annotations: texts,
            },
          ],
        },
      ],
    },
  },
  PodMonitor: {
    ...head,
    'kind!': /^PodMonitor$/,
    'spec!': {
      'selector!': {
        matchLabels: texts,
        matchExpressions: [{ 'key!': text, 'operator!': /^(In|NotIn|Exists|DoesNotExist)$/, values: [text] }],
      },
      namespaceSelector: { matchNames: [text] },
      jobLabel: text,
      podTargetLabels: [text],
      podMetricsEndpoints: [
        {
          port: text,
          path: text,
          scheme: text,
          interval: duration,
          scrapeTimeout: duration,
          relabelings: [
            {
              sourceLabels: [text],
              targetLabel: text,
              regex: text,
              replacement: text,
              separator: text,
              action:
                /^(replace|keep|drop|hashmod|labelmap|labeldrop|labelkeep|lowercase|uppercase|keepequal|dropequal)$/i,
            },
          ],
        },
      ],
    },
  },
}

/** One line for each field that is unknown, missing or wrong. */
function problemsOf(value: unknown, shape: Shape, path: string): string[] {
  if (shape instanceof RegExp)
    return typeof value === 'string' && shape.test(value) ? [] : [`${path} is ${value}`]
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) return [`${path} is no list`]
    return value.flatMap((item, index) => problemsOf(item, shape[0], `${path}[${index}]`))
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path} is no object`]
  const fields = shape as Record<string, Shape>
  const missing = Object.keys(fields).filter(
    (name) => name.endsWith('!') && !Object.hasOwn(value, name.slice(0, -1)),
  )
  const wrong = Object.entries(value).flatMap(([name, each]) => {
    const known = fields[name] ?? fields[`${name}!`] ?? fields['*']
    return known === undefined ? [`${path}.${name} is unknown`] : problemsOf(each, known, `${path}.${name}`)
  })
  return [...missing.map((name) => `${path}.${name.slice(0, -1)} is missing`), ...wrong]
}

const readPodMonitor = async () =>
  Bun.YAML.parse(await Bun.file(`${import.meta.dir}/kubernetes/operator/podmonitor.yml`).text()) as unknown
const readRules = () => Bun.$`${process.execPath} ${import.meta.dir}/kubernetes/operator/rules.ts`.json()

test('PodMonitor and PrometheusRule have only fields and values that their resources have', async () => {
  expect(problemsOf(await readPodMonitor(), CRDS.PodMonitor!, 'PodMonitor')).toEqual([])
  expect(problemsOf(await readRules(), CRDS.PrometheusRule!, 'PrometheusRule')).toEqual([])
})

test('each group has its own name, and each rule records or alerts', async () => {
  const { spec } = (await readRules()) as { spec: { groups: { name: string; rules: object[] }[] } }
  const names = spec.groups.map(({ name }) => name)
  expect(names).toEqual([...new Set(names)])
  for (const rule of spec.groups.flatMap(({ rules }) => rules))
    expect(Object.keys(rule).filter((key) => key === 'alert' || key === 'record')).toHaveLength(1)
})

describe('a document that the API server would reject or cut is noticed', () => {
  const valid = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: 'x' },
    spec: { groups: [{ name: 'x', rules: [{ alert: 'X', expr: 'up', for: '1m' }] }] },
  }
  const withRule = (rule: object) => ({ ...valid, spec: { groups: [{ name: 'x', rules: [rule] }] } })
  test.each<[object, string[]]>([
    [valid, []],
    [{ ...valid, apiVersion: 'monitoring.coreos.com/v2' }, ['x.apiVersion is monitoring.coreos.com/v2']],
    [{ ...valid, metadata: { name: 'A_b' } }, ['x.metadata.name is A_b']],
    [{ ...valid, spec: { groups: {} } }, ['x.spec.groups is no list']],
    [withRule({ alert: 'X' }), ['x.spec.groups[0].rules[0].expr is missing']],
    [withRule({ expr: 'up', for: '5 minutes' }), ['x.spec.groups[0].rules[0].for is 5 minutes']],
    [withRule({ expr: 'up', labels: { n: 1 } }), ['x.spec.groups[0].rules[0].labels.n is 1']],
    [withRule({ expr: 'up', runbook: 'x' }), ['x.spec.groups[0].rules[0].runbook is unknown']],
  ])('%j', (document, problems) => {
    expect(problemsOf(document, CRDS.PrometheusRule!, 'x')).toEqual(problems)
  })
})

test('for the Prometheus operator, every admin port is scraped with the name of its app as job', async () => {
  const { spec } = (await readPodMonitor()) as {
    spec: {
      selector: { matchLabels: Record<string, string> }
      podMetricsEndpoints: { port: string; relabelings: { targetLabel: string }[] }[]
    }
  }
  expect(spec.selector).toEqual({ matchLabels: { 'app.kubernetes.io/part-of': 'bun-monitoring' } })
  const [endpoint] = spec.podMetricsEndpoints
  expect([endpoint!.port, endpoint!.relabelings[0]!.targetLabel]).toEqual(['admin', 'job'])
})

test('for the Prometheus operator, all rules are one PrometheusRule', async () => {
  const { spec } = await readRules()
  const files = [...new Bun.Glob('*.yml').scanSync(`${import.meta.dir}/../monitoring/prometheus/rules`)]
  const groups = await Promise.all(
    files.map(async (file) => {
      const text = await Bun.file(`${import.meta.dir}/../monitoring/prometheus/rules/${file}`).text()
      return (Bun.YAML.parse(text) as { groups: { name: string }[] }).groups.map(({ name }) => name)
    }),
  )
  const names = (spec.groups as { name: string }[]).map(({ name }) => name)
  expect(names.toSorted()).toEqual(groups.flat().toSorted())
  expect(names.length).toBeGreaterThan(3)
})
