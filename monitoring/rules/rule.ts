/** The types of rules and rule files, and the helpers that alerts are declared with. */

/** The apps that rules and dashboards are made for, and the addresses for links. */
export type Apps = {
  /** Jobs whose responses clients see: the gateway, or services without one. Objectives are measured there. */
  edge: readonly string[]
  /** Jobs of the services. They may be the edge themselves. */
  services: readonly string[]
  /** Whether the edge is our gateway, with its upstreams. */
  hasGateway: boolean
  /** The job of the exporter. */
  exporter: string
  /** The job of Prometheus itself. */
  prometheus: string
  /** Base URL of Grafana, without a slash at the end. */
  grafanaUrl: string
  /** Base URL of the folder of runbooks; without it links open the runbooks on the dashboard in Grafana. */
  runbooksUrl?: string
}

/** `page` needs a human now, `ticket` can wait for the next day, `none` is for a dead man's switch. */
type Severity = 'page' | 'ticket' | 'none'

export type Recording = { record: string; expr: string }

export type Alert = {
  alert: string
  expr: string
  for?: string
  labels: Readonly<Record<string, string>>
  annotations: { summary: string; description: string; runbook_url: string; dashboard_url: string }
}

export type Group = { name: string; interval?: string; rules: readonly (Recording | Alert)[] }

/** One file: `<name>.yml`. */
export type RuleFile = { name: string; comment: string; groups: readonly Group[] }

export type AlertOptions = {
  expr: string
  for?: string
  severity: Severity
  /** The label `app`, if the series does not have it. */
  app?: string
  labels?: Readonly<Record<string, string>>
  summary: string
  description: string
  /** The file in runbooks/ without its ending. */
  runbook: string
  /** Path of the dashboard with its variables, after `/d/`. */
  dashboard: string
}

/** Makes alerts whose links start with the addresses of the apps. */
export const alertsOf =
  (apps: Apps) =>
  (name: string, options: AlertOptions): Alert => {
    const { expr, severity, app, labels, summary, description, runbook, dashboard } = options
    const waits = options.for === undefined ? {} : { for: options.for }
    return {
      alert: name,
      expr,
      ...waits,
      labels: { severity, ...(app === undefined ? {} : { app }), ...labels },
      annotations: {
        summary,
        description,
        runbook_url: runbookUrl(apps, runbook, name),
        dashboard_url: `${apps.grafanaUrl}/d/${dashboard}`,
      },
    }
  }

export const recording = (record: string, expr: string): Recording => ({ record, expr })

/** The id of a panel or row: it depends on the title alone, so that links stay valid when other panels come or go. */
export const panelId = (title: string): number => 1 + (Bun.hash.crc32(title) % 1_000_000)

/** A dashboard for the app that an alert is about: the value of this label may have any character. */
export const dashboardFor = (dashboard: string, label: 'job' | 'app' = 'job'): string =>
  `${dashboard}?var-job={{ $labels.${label} | urlquery }}`

/** A text as a string of PromQL: names of jobs are those of other people, and may have any character. */
export const quoted = (text: string): string => JSON.stringify(text)

/** A regular expression that matches these names and no other. */
export const oneOf = (names: readonly string[]): string =>
  names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')

/** A matcher for one or more jobs. */
export const jobs = (names: readonly string[]): string =>
  names.length === 1 ? `job=${quoted(names[0]!)}` : `job=~${quoted(oneOf(names))}`

function runbookUrl({ grafanaUrl, runbooksUrl }: Apps, runbook: string, name: string): string {
  return runbooksUrl === undefined
    ? `${grafanaUrl}/d/runbooks?viewPanel=panel-${panelId(name)}`
    : `${runbooksUrl}/${runbook}.md#${name.toLowerCase()}`
}
