/**
 * The two kinds of panel that dashboards use, with what all of them share. A panel cannot be declared without
 * a title, a description and a unit.
 */

import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import {
  BigValueColorMode,
  BigValueGraphMode,
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
  MappingType,
  SpecialValueMatch,
  type Panel,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type ValueMapping,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries'
import { datasource } from './variables.ts'

type Query = { expr: string; legend: string }

type PanelOptions = {
  title: string
  description: string
  /** An id from the SDK's `units`. */
  unit: string
  /** In columns; the dashboard has 24. */
  width: number
  height: number
  queries: readonly Query[]
}

type StatOptions = PanelOptions & {
  /** Colour from each value on, the first from minus infinity. */
  thresholds: Threshold[]
  mappings?: ValueMapping[]
}

type GraphOptions = PanelOptions & {
  /** Draws parts of a whole upon each other; off by default. */
  stacked?: boolean
}

/** Shows a ratio or a quantile of nothing as words instead of NaN. */
export const idle: ValueMapping = {
  type: MappingType.SpecialValue,
  options: { match: SpecialValueMatch.NullAndNan, result: { text: 'no requests' } },
}

/** The value of each query now, large, coloured by thresholds. What is gone shows as no data, not as its last value. */
export function stat(options: StatOptions): Builder<Panel> {
  return withQueries(new StatBuilder(), options, 'instant')
    .mappings(options.mappings ?? [])
    .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(options.thresholds))
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .colorMode(BigValueColorMode.Background)
    .graphMode(BigValueGraphMode.None)
}

/** Lines over time, from zero. */
export function graph(options: GraphOptions): Builder<Panel> {
  return withQueries(new TimeseriesBuilder(), options, 'range')
    .min(0)
    .fillOpacity(options.stacked ? 40 : 5)
    .stacking(new StackingConfigBuilder().mode(options.stacked ? StackingMode.Normal : StackingMode.None))
    .showPoints(VisibilityMode.Never)
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
}

function withQueries<B extends StatBuilder | TimeseriesBuilder>(
  panel: B,
  options: PanelOptions,
  kind: 'instant' | 'range',
): B {
  panel
    .title(options.title)
    .description(options.description)
    .unit(options.unit)
    .span(options.width)
    .height(options.height)
    .datasource(datasource)
  for (const [index, query] of options.queries.entries()) {
    panel.withTarget(
      new DataqueryBuilder()
        .refId(String.fromCharCode('A'.charCodeAt(0) + index))
        .datasource(datasource)
        .expr(query.expr)
        .legendFormat(query.legend)
        [kind](),
    )
  }
  return panel
}
