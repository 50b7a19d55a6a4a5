/**
 * The PromQL of a dashboard as a Prometheus understands it: Grafana's variables are replaced by what Grafana
 * sends when everything is selected, or what is chosen. For tests that parse the queries or run them.
 */

import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'

/** Values by variable, `$` included. */
type Values = Readonly<Record<string, string>>

type HasTargets = { targets?: readonly object[]; panels?: readonly object[] }

const everything: Values = {
  $__rate_interval: '1m',
  $job: '.+',
  $instance: '.+',
  $shape: '.+',
}

/**
 * Every query of every panel, those of closed rows too, in the order of the panels.
 * @param dashboard built here, or parsed from the JSON file
 * @param chosen variables that are not at "All"
 * @throws when a query uses a variable that this file has no value for
 */
export function queriesOf(dashboard: { panels?: readonly object[] }, chosen: Values = {}): string[] {
  return (dashboard.panels ?? []).flatMap((panel: HasTargets) =>
    (panel.targets ?? []).flatMap((target) => expressionOf(target, chosen)).concat(queriesOf(panel, chosen)),
  )
}

/** What a dashboard asks besides: its annotations, and the values that its variables offer. */
export function besidesOf({ annotations, templating }: Dashboard): string[] {
  const marks = (annotations?.list ?? []).flatMap((mark) => expressionOf(mark))
  const choices = (templating?.list ?? []).flatMap(({ query }) => {
    const [, series, label] = /^label_values\((.+), (\w+)\)$/.exec(String(query)) ?? []
    return series === undefined ? [] : [withVariables(`count by (${label}) (${series})`)]
  })
  return [...marks, ...choices]
}

function expressionOf(target: { expr?: unknown }, chosen: Values = {}): string[] {
  return typeof target.expr === 'string' ? [withVariables(target.expr, chosen)] : []
}

/** A query with every variable at "All", or as chosen. */
export function withVariables(expr: string, chosen: Values = {}): string {
  // Not `$1`, which is what label_replace found.
  return expr.replace(/\$[a-z_]\w*/gi, (variable) => {
    const value = chosen[variable] ?? everything[variable]
    if (value === undefined) throw new Error(`no value for ${variable} in the query ${expr}`)
    return value
  })
}
