/**
 * `bun run mixin --job api --out dir`: rules and dashboards for any apps that use @bun-monitoring/prefork and
 * @bun-monitoring/metrics, as files for Prometheus and Grafana and as objects of Kubernetes.
 */

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { families } from './families.ts'
import { dashboardsOf, render as renderDashboard } from './grafana/dashboards.ts'
import { dashboardMap, isSelectable, podMonitor, prometheusRule } from './mixin/kubernetes.ts'
import { type LabelNames, renameInDashboard, renameInRules } from './mixin/labels.ts'
import { objectives } from './objectives.ts'
import { render as renderRules, ruleFiles } from './rules/files.ts'
import type { Apps } from './rules/rule.ts'

export const USAGE = `bun run mixin --job NAME --out FOLDER [options]
  --job NAME            job of an app that clients reach; may be given several times
  --out FOLDER          where rules/, dashboards/ and kubernetes/ are written
  --label OLD=NEW       another name of a label, for instance job=service; may be given several times
  --exporter NAME       job of the exporter (default: exporter)
  --prometheus NAME     job of Prometheus itself (default: prometheus)
  --grafana-url URL     base of links to dashboards (default: http://localhost:3000)
  --runbooks-url URL    base of links to runbooks (default: the dashboard Runbooks)`

/** Labels of the families, and those that Prometheus adds. */
const LABELS = new Set(['job', 'instance', ...families.flatMap(([, , names]) => names)])

/** @throws with a line for people when an option is missing or unknown */
export function optionsOf(args: readonly string[]): { apps: Apps; names: LabelNames; out: string } {
  const { values } = parseArgs({
    args: [...args],
    options: {
      job: { type: 'string', multiple: true },
      label: { type: 'string', multiple: true },
      out: { type: 'string' },
      exporter: { type: 'string', default: 'exporter' },
      prometheus: { type: 'string', default: 'prometheus' },
      'grafana-url': { type: 'string', default: 'http://localhost:3000' },
      'runbooks-url': { type: 'string' },
    },
  })
  const { job = [], label = [], out, exporter, prometheus } = values
  if (job.length === 0) throw new Error('--job is missing')
  if ([...job, exporter, prometheus].includes('')) throw new Error('the name of a job is empty')
  if (out === undefined) throw new Error('--out is missing')
  const wrong = label.find((each) => !/^[a-zA-Z_]\w*=[a-zA-Z_]\w*$/.test(each))
  if (wrong !== undefined) throw new Error(`--label ${wrong} is not OLD=NEW`)
  const unknown = label.find((each) => !LABELS.has(each.split('=')[0]!))
  if (unknown !== undefined) throw new Error(`--label ${unknown}: no rule and no dashboard has that label`)
  const runbooksUrl = values['runbooks-url']
  const links = {
    grafanaUrl: values['grafana-url'].replace(/\/+$/, ''),
    ...(runbooksUrl === undefined ? {} : { runbooksUrl }),
  }
  return {
    apps: { edge: job, services: job, hasGateway: false, exporter, prometheus, ...links },
    names: Object.fromEntries(label.map((each) => each.split('=') as [string, string])),
    out,
  }
}

/** Writes the files. @returns their paths in the folder */
export async function writeMixin(apps: Apps, names: LabelNames, out: string): Promise<string[]> {
  const files = ruleFiles(apps, objectives).map((file) => renameInRules(file, names))
  const dashboards = dashboardsOf(apps, objectives).map((dashboard) => renameInDashboard(dashboard, names))
  const texts = await Promise.all(
    dashboards.map((dashboard) => renderDashboard(dashboard, `${dashboard.uid}.json`)),
  )
  const objects = {
    'prometheus-rule': prometheusRule(files),
    ...(isSelectable(apps) ? { 'pod-monitor': podMonitor(apps, names['job']) } : {}),
    ...Object.fromEntries(
      dashboards.map((dashboard, index) => [
        `dashboard-${dashboard.uid}`,
        dashboardMap(dashboard, texts[index]!),
      ]),
    ),
  }
  const written: readonly (readonly [path: string, text: string])[] = [
    ...files.map((file) => [`rules/${file.name}.yml`, renderRules(file)] as const),
    ...dashboards.map(({ uid }, index) => [`dashboards/${uid}.json`, texts[index]!] as const),
    ...Object.entries(objects).map(
      ([name, object]) => [`kubernetes/${name}.yml`, `${Bun.YAML.stringify(object, null, 2)}\n`] as const,
    ),
  ]
  await Promise.all(written.map(([path, text]) => Bun.write(join(out, path), text)))
  return written.map(([path]) => path)
}

if (import.meta.main) {
  try {
    const { apps, names, out } = optionsOf(Bun.argv.slice(2))
    const written = await writeMixin(apps, names, out)
    console.log(`${written.length} files in ${out}`)
    if (!isSelectable(apps))
      console.log(
        'No PodMonitor: the name of a job is no value of a label in Kubernetes, so it cannot select pods.',
      )
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`)
    process.exit(2)
  }
}
