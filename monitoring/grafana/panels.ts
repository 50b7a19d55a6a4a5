/**
 * The kinds of panels that dashboards use. Each panel must have a title, a unit, a description and a query. Its position comes
 * from its line (dashboard.ts), its colours from the words of its legends (colors.ts).
 */

import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizOrientation,
  VizTextDisplayOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import {
  DashboardLinkBuilder,
  DashboardLinkType,
  type DynamicConfigValue,
  MappingType,
  type Panel as PanelModel,
  SpecialValueMatch,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type ValueMapping,
} from '@grafana/grafana-foundation-sdk/dashboard'
import {
  HeatmapColorMode,
  HeatmapColorOptionsBuilder,
  PanelBuilder as HeatmapBuilder,
  YAxisConfigBuilder,
} from '@grafana/grafana-foundation-sdk/heatmap'
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table'
import { PanelBuilder as TextBuilder, TextMode } from '@grafana/grafana-foundation-sdk/text'
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries'
import { NEUTRAL } from './colors.ts'
import type { Query } from './promql.ts'
import { datasource } from './variables.ts'

/** A panel that a line of a dashboard can place. */
interface Placeable extends Builder<PanelModel> {
  height(rows: number): this
  span(columns: number): this
}

type Colors = readonly [regexp: string, properties: DynamicConfigValue[]][]

/** Takes the colours of the dashboard. */
export type Panel = (colors: Colors) => Placeable

type StatOptions = {
  /** The colour from each value upwards; the first step starts at minus infinity. */
  steps?: Threshold[]
  mappings?: ValueMapping[]
  /** The legends are long names, which are shown above their values. */
  isName?: boolean
  /** The text when the query has no series; "no data" by default. */
  nothing?: string
  /** The uid of a more detailed dashboard. */
  more?: string
}

type GraphOptions = {
  /** Stacks the series as parts of a whole; off by default. */
  isStacked?: boolean
  /** Draws a dashed red line at this value. */
  limit?: number
  /** Values may be negative; by default the axis starts at 0. */
  isSigned?: boolean
  /** Puts the legend at the right, for many series. */
  hasMany?: boolean
  more?: string
}

/** Shows `no requests` instead of NaN, which a ratio or quantile is when there are none. */
export const none = (events: string): ValueMapping => special(SpecialValueMatch.NotANumber, `no ${events}`)
export const idle = none('requests')
/** The same for a time that is NaN because the event has not happened yet. */
export const never = special(SpecialValueMatch.NotANumber, 'none since the start')

/** Shows texts instead of values. */
export const texts = (options: Record<string, { text: string; color?: string }>): ValueMapping => ({
  type: MappingType.ValueToText,
  options,
})
export const down = texts({ '-1': { text: 'down', color: 'red' } })

/** Green below the first limit, orange from it on, red from the second on. */
export const below = (warning: number, bad: number): Threshold[] => [
  { value: null, color: 'green' },
  { value: warning, color: 'orange' },
  { value: bad, color: 'red' },
]

/** Red below the limit, green from it on. */
export const atLeast = (limit: number): Threshold[] => [
  { value: null, color: 'red' },
  { value: limit, color: 'green' },
]

/** Sizes in pixels: names of alerts are long. */
const NAMES = new VizTextDisplayOptionsBuilder().titleSize(11).valueSize(11)
const SEVERAL = new VizTextDisplayOptionsBuilder().titleSize(13).valueSize(15)

const neutral: Threshold[] = [{ value: null, color: 'blue' }]

/** The top of an axis whose values are all lower, by unit: otherwise a graph of zeros has an axis to 100. */
const SOFT_MAX: Readonly<Record<string, number>> = {
  percentunit: 0.1,
  s: 0.01,
  bytes: 1024,
  binBps: 1024,
  Bps: 1024,
  short: 4,
}

/**
 * The present value of each series, large, coloured by thresholds. The query is an instant query, so a series that has ended
 * shows no data instead of its last value. No data is grey, never green.
 */
export const stat =
  (
    title: string,
    unit: string,
    description: string,
    queries: Query | readonly Query[],
    { steps = neutral, mappings = [], isName = false, nothing = 'no data', more }: StatOptions = {},
  ): Panel =>
  () => {
    const panel = common(new StatBuilder(), title, unit, description, queries, 'instant', more)
      // Of two mappings that match the first one counts.
      .mappings([...mappings, special(SpecialValueMatch.NullAndNan, nothing)])
      .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps))
      // The one value, NaN included: Grafana's `lastNotNull` leaves out NaN, and `no requests` would be `no data`.
      .reduceOptions(new ReduceDataOptionsBuilder().calcs(['last']))
      .colorMode(BigValueColorMode.Background)
      .graphMode(BigValueGraphMode.None)
      .orientation(VizOrientation.Horizontal)
      .textMode(isName ? BigValueTextMode.ValueAndName : BigValueTextMode.Auto)
      .noValue(nothing)
    // Grafana fits the text to the space of a value: of several values some would be unreadable.
    if (isName) return panel.text(NAMES)
    // Grafana shows three digits of any value: 0.0000409 %.
    if (unit === 'percentunit') panel.decimals(2)
    return [queries].flat().length > 1 ? panel.text(SEVERAL) : panel
  }

/** A time series graph. */
export const graph =
  (
    title: string,
    unit: string,
    description: string,
    queries: Query | readonly Query[],
    { isStacked = false, isSigned = false, limit, hasMany = false, more }: GraphOptions = {},
  ): Panel =>
  (colors) => {
    const panel = common(new TimeseriesBuilder(), title, unit, description, queries, 'range', more)
      .axisSoftMin(0)
      .axisSoftMax(Math.max(SOFT_MAX[unit] ?? 1, 1.25 * (limit ?? 0)))
      .fillOpacity(isStacked ? 70 : 5)
      // A line of zeros would be drawn on top of the stack, in its own colour.
      .lineWidth(isStacked ? 0 : 1)
      .stacking(new StackingConfigBuilder().mode(isStacked ? StackingMode.Normal : StackingMode.None))
      .showPoints(VisibilityMode.Auto)
      .legend(
        new VizLegendOptionsBuilder()
          .showLegend(true)
          .displayMode(LegendDisplayMode.List)
          .placement(hasMany ? LegendPlacement.Right : LegendPlacement.Bottom),
      )
      .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
    if (!isSigned) panel.min(0)
    for (const [regexp, properties] of colors) panel.overrideByRegexp(regexp, properties)
    if (limit === undefined) return panel
    const steps = [
      { value: null, color: 'transparent' },
      { value: limit, color: 'red' },
    ]
    return panel
      .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps))
      .thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed))
  }

/** The buckets of a histogram over time, as a heatmap. */
export const heatmap =
  (title: string, unit: string, description: string, query: Query): Panel =>
  () =>
    common(new HeatmapBuilder(), title, unit, description, query, 'range')
      .calculate(false)
      .yAxis(new YAxisConfigBuilder().unit(unit))
      .color(new HeatmapColorOptionsBuilder().mode(HeatmapColorMode.Scheme).scheme('Oranges').steps(64))
      .hideLegend()

/** A row for each series: its labels, sorted by the first one, and its value under a heading. */
export const table =
  (
    title: string,
    unit: string,
    description: string,
    query: Query,
    columns: readonly string[],
    heading: string,
  ): Panel =>
  () =>
    common(new TableBuilder(), title, 'string', description, { ...query, format: 'table' }, 'instant')
      .noValue('no data')
      // The unit is that of the value: as a date a label would be NaN.
      .overrideByName(heading, [{ id: 'unit', value: unit }])
      .withTransformation({
        id: 'organize',
        options: {
          excludeByName: { Time: true },
          indexByName: Object.fromEntries([...columns, 'Value'].map((name, index) => [name, index])),
          renameByName: { Value: heading },
        },
      })
      .withTransformation({ id: 'sortBy', options: { sort: [{ field: columns[0] }] } })

/** A text in Markdown. */
export const text =
  (title: string, description: string, content: string): Panel =>
  () =>
    new TextBuilder().title(title).description(description).mode(TextMode.Markdown).content(content)

function common<B extends StatBuilder | TimeseriesBuilder | HeatmapBuilder | TableBuilder>(
  panel: B,
  title: string,
  unit: string,
  description: string,
  queries: Query | readonly Query[],
  kind: 'instant' | 'range',
  more?: string,
): B {
  panel.title(title).unit(unit).description(description).datasource(datasource)
  if (more !== undefined) panel.links([linkTo(more)])
  for (const [index, { expr, legend, format = 'time_series' }] of [queries].flat().entries()) {
    panel.withTarget(
      new DataqueryBuilder()
        .refId(String.fromCharCode('A'.charCodeAt(0) + index))
        .datasource(datasource)
        .expr(expr)
        .legendFormat(legend)
        .format(FORMATS[format])
        [kind](),
    )
  }
  return panel
}

const FORMATS = {
  time_series: PromQueryFormat.TimeSeries,
  heatmap: PromQueryFormat.Heatmap,
  table: PromQueryFormat.Table,
} as const

function special(match: SpecialValueMatch, shown: string): ValueMapping {
  return { type: MappingType.SpecialValue, options: { match, result: { text: shown, color: NEUTRAL } } }
}

/** A link to another dashboard with the same variables and time range. */
function linkTo(uid: string): DashboardLinkBuilder {
  return new DashboardLinkBuilder(`More in ${uid}`)
    .type(DashboardLinkType.Link)
    .url(`/d/${uid}?\${__url_time_range}&\${__all_variables}`)
}
