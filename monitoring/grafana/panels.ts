/**
 * The three kinds of panels that dashboards use. Each panel must have a title, a unit, a description and a query. Its
 * position comes from its line (dashboard.ts).
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
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import {
  DashboardLinkBuilder,
  DashboardLinkType,
  MappingType,
  type Panel,
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
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries'
import type { Query } from './promql.ts'
import { datasource } from './variables.ts'

/** A panel that a line of a dashboard can place. */
export interface Placeable extends Builder<Panel> {
  height(rows: number): this
  span(columns: number): this
}

type StatOptions = {
  /** The colour from each value upwards; the first step starts at minus infinity. */
  steps?: Threshold[]
  mappings?: ValueMapping[]
  /** Shows the legend instead of the value. */
  isName?: boolean
  /** The text when the query has no series, for a query that has none while all is well. */
  nothing?: string
  /** The uid of a more detailed dashboard. */
  more?: string
}

type GraphOptions = {
  /** Stacks the series as parts of a whole; off by default. */
  isStacked?: boolean
  /** Draws a dashed red line at this value. */
  limit?: number
  more?: string
}

/** Shows `no requests` instead of NaN, which a ratio or quantile is when there are no requests. */
export const idle: ValueMapping = {
  type: MappingType.SpecialValue,
  options: { match: SpecialValueMatch.NullAndNan, result: { text: 'no requests' } },
}

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

const neutral: Threshold[] = [{ value: null, color: 'blue' }]

/**
 * The present value of each series, large, coloured by thresholds. The query is an instant query, so a series that has ended
 * shows no data instead of its last value.
 */
export function stat(
  title: string,
  unit: string,
  description: string,
  queries: Query | readonly Query[],
  { steps = neutral, mappings = [], isName = false, nothing, more }: StatOptions = {},
): Placeable {
  const panel = common(new StatBuilder(), title, unit, description, queries, 'instant', more)
    .mappings(mappings)
    .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps))
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .colorMode(BigValueColorMode.Background)
    .graphMode(BigValueGraphMode.None)
    .textMode(isName ? BigValueTextMode.Name : BigValueTextMode.Auto)
  return nothing === undefined ? panel : panel.noValue(nothing)
}

/** A time series graph whose axis starts at zero. */
export function graph(
  title: string,
  unit: string,
  description: string,
  queries: Query | readonly Query[],
  { isStacked = false, limit, more }: GraphOptions = {},
): Placeable {
  const panel = common(new TimeseriesBuilder(), title, unit, description, queries, 'range', more)
    .min(0)
    .fillOpacity(isStacked ? 40 : 5)
    .stacking(new StackingConfigBuilder().mode(isStacked ? StackingMode.Normal : StackingMode.None))
    .showPoints(VisibilityMode.Never)
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
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
export function heatmap(title: string, unit: string, description: string, query: Query): Placeable {
  return common(new HeatmapBuilder(), title, unit, description, query, 'range')
    .calculate(false)
    .yAxis(new YAxisConfigBuilder().unit(unit))
    .color(new HeatmapColorOptionsBuilder().mode(HeatmapColorMode.Scheme).scheme('Oranges').steps(64))
    .hideLegend()
}

function common<B extends StatBuilder | TimeseriesBuilder | HeatmapBuilder>(
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
        .format(format === 'heatmap' ? PromQueryFormat.Heatmap : PromQueryFormat.TimeSeries)
        [kind](),
    )
  }
  return panel
}

/** A link to another dashboard with the same variables and time range. */
function linkTo(uid: string): DashboardLinkBuilder {
  return new DashboardLinkBuilder(`More in ${uid}`)
    .type(DashboardLinkType.Link)
    .url(`/d/${uid}?\${__url_time_range}&\${__all_variables}`)
}
