/** The mixin: rules and dashboards for apps of other people. */

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { selectorsOf } from './grafana/promql-tree.ts'
import { queriesOf } from './grafana/queries.ts'
import { renameInQuery } from './mixin/labels.ts'
import { optionsOf, USAGE, writeMixin } from './mixin.ts'
import { isPromtoolExpected, promtool, promtools } from './prometheus/promtool.ts'

const folder = mkdtempSync(join(tmpdir(), 'mixin-'))
afterAll(() => rmSync(folder, { recursive: true }))

const write = (name: string, ...args: string[]) => {
  const out = join(folder, name)
  const { apps, names } = optionsOf([...args, '--out', out])
  return writeMixin(apps, names, out)
}
const read = (path: string) => Bun.file(join(folder, path)).text()
const yaml = async (path: string) => Bun.YAML.parse(await read(path)) as any

/** Names that Prometheus takes: the operator's, regular expressions, quotation marks. */
const STRANGE = ['shop/api.v2-eu', 'a+b(c|d)', 'say "hi" \\ it\'s']
const strangeArgs = STRANGE.flatMap((job) => ['--job', job])

let paths: string[]
let strangePaths: string[]
beforeAll(async () => {
  paths = await write('api', '--job', 'api', '--grafana-url', 'https://g.example')
  await write('labels', '--job', 'api', '--job', 'web', '--label', 'job=service', '--label', 'instance=pod')
  strangePaths = await write('strange', ...strangeArgs)
}, 120_000)

test('it has rules, dashboards and objects of Kubernetes for each', () => {
  const dashboards = paths.filter((path) => path.startsWith('dashboards/'))
  expect(dashboards).toContain('dashboards/service.json')
  expect(paths.filter((path) => path.startsWith('rules/'))).toContain('rules/objectives.yml')
  expect(paths.filter((path) => path.startsWith('kubernetes/dashboard-'))).toHaveLength(dashboards.length)
})

test('nothing in it is about our own apps or the gateway', async () => {
  const texts = await Promise.all(
    paths.filter((path) => !path.includes('runbooks')).map((path) => read(`api/${path}`)),
  )
  for (const text of texts)
    expect(text).not.toMatch(/"(gateway|dogs|cats)"|gateway_|=~?\\?"(gateway|dogs|cats)/)
})

test('links between dashboards lead to dashboards that it has', async () => {
  const written = paths.filter((path) => path.startsWith('dashboards/'))
  const texts = await Promise.all(written.map((path) => read(`api/${path}`)))
  const linked = texts.flatMap((text) =>
    [...text.matchAll(/"\/d\/([\w-]+)\?/g)].map(([, uid]) => `dashboards/${uid}.json`),
  )
  expect(linked.length).toBeGreaterThan(5)
  expect(linked.filter((path) => !written.includes(path))).toEqual([])
})

test('links start with the address of Grafana', async () => {
  const links = [...(await read('api/rules/services.yml')).matchAll(/_url: '([^']*)'/g)].map(
    ([, url]) => url!,
  )
  expect(links.length).toBeGreaterThan(10)
  for (const link of links) expect(link).toStartWith('https://g.example/d/')
})

describe('with other names of labels', () => {
  test('every query has them', async () => {
    const service = JSON.parse(await read('labels/dashboards/service.json')) as object
    const labels = new Set(
      queriesOf(service)
        .flatMap(selectorsOf)
        .flatMap((selector) => selector.labels),
    )
    expect(labels).toContain('service')
    expect(labels).toContain('pod')
    expect(labels).not.toContain('job')
    expect(labels).not.toContain('instance')
    expect(JSON.stringify(service)).not.toContain('{{job}}')
  })

  test.each([
    [
      'sum by (job, le) (rate(x_job{job=~"job|$job"}[5m]))',
      'sum by (service, le) (rate(x_job{service=~"job|$job"}[5m]))',
    ],
    [
      'job:x:rate5m and on (job) up{job!="a", a="job"}',
      'job:x:rate5m and on (service) up{service!="a", a="job"}',
    ],
    ['label_values(up, job)', 'label_values(up, service)'],
    [
      'label_replace(x{a=~"b", c="job"}, "job", "$1", "app", "(.+)")',
      'label_replace(x{a=~"b", c="job"}, "service", "$1", "app", "(.+)")',
    ],
  ])('%s', (before, after) => {
    expect(renameInQuery(before, { job: 'service' })).toBe(after)
  })
})

describe('Kubernetes', () => {
  test('all groups are in one PrometheusRule', async () => {
    const rule = await yaml('api/kubernetes/prometheus-rule.yml')
    expect(rule).toMatchObject({ apiVersion: 'monitoring.coreos.com/v1', kind: 'PrometheusRule' })
    const rules = await Promise.all(
      paths.filter((path) => path.startsWith('rules/')).map((path) => yaml(`api/${path}`)),
    )
    const withoutLastBreak = JSON.stringify(rules.flatMap(({ groups }) => groups)).replaceAll('\\n"', '"')
    expect(rule.spec.groups).toEqual(JSON.parse(withoutLastBreak))
  })

  test('the PodMonitor selects the pods of the apps, and the job is the name of the app', async () => {
    const { spec } = await yaml('labels/kubernetes/pod-monitor.yml')
    expect(spec.selector.matchExpressions[0].values).toEqual(['api', 'web', 'exporter'])
    expect(spec.podMetricsEndpoints[0].relabelings).toEqual([
      { sourceLabels: ['__meta_kubernetes_pod_label_app_kubernetes_io_name'], targetLabel: 'service' },
    ])
  })

  test('a ConfigMap has the JSON of its dashboard', async () => {
    const { data, metadata } = await yaml('api/kubernetes/dashboard-service.yml')
    expect(data['service.json']).toBe(await read('api/dashboards/service.json'))
    expect(metadata.labels.grafana_dashboard).toBe('1')
  })
})

describe.skipIf(!isPromtoolExpected).each(promtools)('%s', (program) => {
  test.each(['api', 'labels', 'strange'])('accepts the rules of %s', async (name) => {
    const files = [...new Bun.Glob('*.yml').scanSync({ cwd: join(folder, name, 'rules'), absolute: true })]
    expect(await promtool(program, 'check', 'rules', '--lint-fatal', ...files)).toMatchObject({ exitCode: 0 })
  })

  const cases = [['api', 'api'], ...STRANGE.map((job) => ['strange', job])] as [string, string][]
  test.each(cases)(
    'an objective of %s: %s raises its alert',
    async (name, job) => {
      const count = 'http_server_request_duration_seconds_count'
      const file = join(folder, 'test.yml')
      const content = {
        rule_files: ['red', 'objectives'].map((each) => join(folder, name, 'rules', `${each}.yml`)),
        group_eval_order: ['red', 'objectives'],
        evaluation_interval: '10s',
        tests: [
          {
            interval: '10s',
            input_series: [
              {
                series: `${count}{job=${JSON.stringify(job)}, instance="a:1", http_route="/x", http_response_status_code="500"}`,
                values: '0+10x90',
              },
              // Another job, whose name a regular expression would match.
              {
                series: `${count}{job="shop/apixv2-eu", instance="b:1", http_route="/x", http_response_status_code="500"}`,
                values: '0+10x90',
              },
            ],
            promql_expr_test: [
              {
                expr: 'count by (alertname, app, severity) (ALERTS{alertstate="firing"})',
                eval_time: '10m',
                exp_samples: [
                  {
                    labels: `{alertname="EdgeErrorBudgetBurn", app=${JSON.stringify(job)}, severity="page"}`,
                    value: 1,
                  },
                ],
              },
            ],
          },
        ],
      }
      await Bun.write(file, JSON.stringify(content))
      const { exitCode, output } = await promtool(program, 'test', 'rules', file)
      expect([exitCode, output.slice(0, 2000)]).toEqual([0, expect.stringContaining('SUCCESS')])
    },
    120_000,
  )
})

describe('with strange names of jobs', () => {
  test('every query of a dashboard parses, and the patterns of its colours are valid', async () => {
    const patterns: string[] = []
    for (const path of strangePaths.filter((each) => each.startsWith('dashboards/'))) {
      const text = await read(`strange/${path}`)
      for (const query of queriesOf(JSON.parse(text) as object)) expect(selectorsOf(query)).not.toEqual([])
      patterns.push(...[...text.matchAll(/"options": "\/(\(\^\|.*)\/"/g)].map(([, each]) => each!))
    }
    const colored = new Set(patterns.map((each) => JSON.parse(`"${each}"`) as string))
    for (const job of STRANGE)
      expect([...colored].filter((each) => new RegExp(each).test(job))).toHaveLength(1)
  })

  test('there is no PodMonitor, which selects pods by a label: its values have no such characters', () => {
    expect(strangePaths).not.toContain('kubernetes/pod-monitor.yml')
    expect(paths).toContain('kubernetes/pod-monitor.yml')
  })
})

test('files of before are written again, and others of the folder stay', async () => {
  await Bun.write(join(folder, 'api/rules/red.yml'), 'old')
  await Bun.write(join(folder, 'api/rules/own.txt'), 'own')
  await write('api', '--job', 'api', '--grafana-url', 'https://g.example/')
  expect(await read('api/rules/red.yml')).toContain('groups:')
  expect(await read('api/rules/services.yml')).not.toContain('g.example//')
  expect(await read('api/rules/own.txt')).toBe('own')
})

test.each([
  [[], '--job is missing'],
  [['--job', 'api'], '--out is missing'],
  [['--job', 'api', '--out', 'x', '--label', 'job'], '--label job is not OLD=NEW'],
  [['--jobs', 'api'], "Unknown option '--jobs'"],
  [['--job', '', '--out', 'x'], 'the name of a job is empty'],
  [['--job', 'api', '--out', 'x', '--label', 'jbo=service'], 'no rule and no dashboard has that label'],
])('%j is refused: %s', (args, message) => {
  expect(() => optionsOf(args)).toThrow(message)
})

test('the README has its options', async () => {
  expect(await Bun.file(`${import.meta.dir}/README.md`).text()).toContain(USAGE)
})
