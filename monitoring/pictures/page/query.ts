/** Asks Prometheus as Grafana's data source does, and makes data frames of the answers. */

import { type DataFrame, type Field, FieldType } from '@grafana/data'

export type Target = {
  refId: string
  expr: string
  legendFormat?: string
  format?: 'time_series' | 'heatmap' | 'table'
  instant?: boolean
}

/** What the browser is told: a dashboard, when it looks, and the values of its variables. */
export type Task = {
  dashboard: { title: string; panels: PanelModel[] }
  prometheus: string
  fromSeconds: number
  toSeconds: number
  stepSeconds: number
  variables: Record<string, string>
}

export type PanelModel = {
  id: number
  type: string
  title: string
  gridPos: { x: number; y: number; w: number; h: number }
  targets?: Target[]
  fieldConfig: { defaults: any; overrides: any[] }
  options: any
  transformations?: { id: string; options: any }[]
  collapsed?: boolean
  panels?: PanelModel[]
}

type Result = { metric: Record<string, string>; value?: [number, string]; values?: [number, string][] }

export async function framesOf(task: Task, target: Target): Promise<DataFrame[]> {
  const expr = withVariables(target.expr, task.variables)
  const query = target.instant
    ? { query: expr, time: String(task.toSeconds) }
    : {
        query: expr,
        start: String(task.fromSeconds),
        end: String(task.toSeconds),
        step: String(task.stepSeconds),
      }
  const path = target.instant ? 'query' : 'query_range'
  const url = `${task.prometheus}/api/v1/${path}?${new URLSearchParams(query)}`
  // Chromium ends its requests when a network of the machine comes or goes, for instance that of a container.
  const response = await fetch(url).catch(() => fetch(url))
  const { data, error } = await response.json()
  if (!response.ok) throw new Error(`${error} in ${expr}`)
  const results = data.result as Result[]
  if (target.format === 'table') return [tableOf(results, target.refId)]
  return results.map((result) => seriesOf(result, target, task.stepSeconds))
}

const withVariables = (expr: string, variables: Record<string, string>): string =>
  expr.replace(/\$[a-z_]\w*/gi, (variable) => variables[variable] ?? variable)

function seriesOf(
  { metric, value, values }: Result,
  { refId, legendFormat }: Target,
  stepSeconds: number,
): DataFrame {
  const samples = withGaps(values ?? [value!], stepSeconds)
  const times = samples.map(([seconds]) => seconds * 1000)
  const numbers = samples.map(([, text]) => (text === null ? null : Number(text)))
  const name =
    legendFormat?.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => metric[label] ?? '') || JSON.stringify(metric)
  const time = field('Time', FieldType.time, times)
  const number = {
    ...field('Value', FieldType.number, numbers),
    labels: metric,
    config: { displayNameFromDS: name },
  }
  return { refId, name, length: samples.length, fields: [time, number] }
}

/** A pause is a gap in the line. Grafana's panel inserts the empty value itself, the `TimeSeries` of its library only in the first series. */
const withGaps = (samples: [number, string][], stepSeconds: number): [number, string | null][] =>
  samples.flatMap((sample, i): [number, string | null][] => {
    const before = samples[i - 1]?.[0] ?? sample[0]
    return sample[0] - before > 1.5 * stepSeconds ? [[before + stepSeconds, null], sample] : [sample]
  })

function tableOf(results: Result[], refId: string): DataFrame {
  const column = (name: string, type: FieldType, valueOf: (result: Result) => unknown) =>
    field(name, type, results.map(valueOf))
  const labels = [...new Set(results.flatMap(({ metric }) => Object.keys(metric)))]
  const fields = [
    column('Time', FieldType.time, ({ value }) => value![0] * 1000),
    ...labels.map((label) => column(label, FieldType.string, ({ metric }) => metric[label] ?? '')),
    column('Value', FieldType.number, ({ value }) => Number(value![1])),
  ]
  return { refId, length: results.length, fields }
}

const field = (name: string, type: FieldType, values: unknown[]): Field => ({
  name,
  type,
  config: {},
  values,
})
