/**
 * The PromQL of a dashboard without Grafana's variables: each variable becomes the value that Grafana sends for "All", or a
 * chosen value. For tests that parse the queries or run them.
 */

import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'

/** Values by the name of the variable, `$` included. */
type Values = Readonly<Record<string, string>>

type HasTargets = { targets?: readonly object[]; panels?: readonly object[] }

const everything: Values = {
  $__rate_interval: '1m',
  $job: '.+',
  $instance: '.+',
  $shape: '.+',
  $gateway: '.+',
  $route: '.+',
}

/**
 * Every query of every panel, including those in closed rows, in the order of the panels.
 * @param dashboard built here, or parsed from the JSON file
 * @param chosen values of the variables that are not at "All"
 * @throws when a query uses an unknown variable
 */
export function queriesOf(dashboard: { panels?: readonly object[] }, chosen: Values = {}): string[] {
  return (dashboard.panels ?? []).flatMap((panel: HasTargets) =>
    (panel.targets ?? []).flatMap((target) => expressionOf(target, chosen)).concat(queriesOf(panel, chosen)),
  )
}

/** The queries of a dashboard outside its panels: those of its annotations, and those for the values of its variables. */
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

/** A query with every variable replaced by its chosen value, or by that for "All". */
export function withVariables(expr: string, chosen: Values = {}): string {
  // `$1` is not a variable: it is the capture group of label_replace.
  return expr.replace(/\$[a-z_]\w*/gi, (variable) => {
    const value = chosen[variable] ?? everything[variable]
    if (value === undefined) throw new Error(`no value for ${variable} in the query ${expr}`)
    return value
  })
}
