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
  const response = await fetch(`${task.prometheus}/api/v1/${path}?${new URLSearchParams(query)}`)
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
  const samples = values ?? [value!]
  const legend =
    legendFormat?.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => metric[label] ?? '') || JSON.stringify(metric)
  return {
    refId,
    name: legend,
    length: samples.length,
    fields: [
      {
        ...field(
          'Time',
          FieldType.time,
          samples.map(([seconds]) => seconds * 1000),
        ),
        // A longer pause than this is a gap in the line.
        config: { interval: stepSeconds * 1000 },
      },
      {
        ...field(
          'Value',
          FieldType.number,
          samples.map(([, text]) => Number(text)),
        ),
        labels: metric,
        config: { displayNameFromDS: legend },
      },
    ],
  }
}

function tableOf(results: Result[], refId: string): DataFrame {
  const labels = [...new Set(results.flatMap(({ metric }) => Object.keys(metric)))]
  return {
    refId,
    length: results.length,
    fields: [
      field(
        'Time',
        FieldType.time,
        results.map(({ value }) => value![0] * 1000),
      ),
      ...labels.map((label) =>
        field(
          label,
          FieldType.string,
          results.map(({ metric }) => metric[label] ?? ''),
        ),
      ),
      field(
        'Value',
        FieldType.number,
        results.map(({ value }) => Number(value![1])),
      ),
    ],
  }
}

const field = (name: string, type: FieldType, values: unknown[]): Field => ({
  name,
  type,
  config: {},
  values,
})
