/** Applies the field options of a panel: unit, thresholds, colours, mappings, overrides. Grafana registers these options at start. */

import {
  applyFieldOverrides,
  cacheFieldDisplayNames,
  createTheme,
  type DataFrame,
  displayNameOverrideProcessor,
  FieldColorModeId,
  FieldConfigOptionsRegistry,
  identityOverrideProcessor,
  numberOverrideProcessor,
  standardFieldConfigEditorRegistry,
  stringOverrideProcessor,
  thresholdsOverrideProcessor,
  unitOverrideProcessor,
  valueMappingsOverrideProcessor,
} from '@grafana/data'

export const theme = createTheme({ colors: { mode: 'dark' } })

const processors = {
  unit: unitOverrideProcessor,
  min: numberOverrideProcessor,
  max: numberOverrideProcessor,
  decimals: numberOverrideProcessor,
  displayName: displayNameOverrideProcessor,
  noValue: stringOverrideProcessor,
  mappings: valueMappingsOverrideProcessor,
  thresholds: thresholdsOverrideProcessor,
  color: identityOverrideProcessor,
  links: identityOverrideProcessor,
}

const options = Object.entries(processors).map(([id, process]) => ({
  id,
  path: id,
  name: id,
  description: '',
  editor: () => null,
  override: () => null,
  process,
  settings: {},
  shouldApply: () => true,
  getItemsCount: () => 0,
})) as any[]
standardFieldConfigEditorRegistry.setInit(() => options)
const registry = new FieldConfigOptionsRegistry(() => options)

/** The defaults of the graph panel. Grafana's program adds them, not its libraries. */
const CUSTOM = {
  drawStyle: 'line',
  lineInterpolation: 'linear',
  barAlignment: 0,
  lineWidth: 1,
  fillOpacity: 0,
  gradientMode: 'none',
  spanNulls: false,
  showPoints: 'auto',
  pointSize: 5,
  stacking: { mode: 'none', group: 'A' },
  axisPlacement: 'auto',
  axisLabel: '',
  axisColorMode: 'text',
  scaleDistribution: { type: 'linear' },
  axisCenteredZero: false,
  hideFrom: { tooltip: false, viz: false, legend: false },
  thresholdsStyle: { mode: 'off' },
}

const isNoNumber = (value: unknown) => typeof value === 'number' && !Number.isFinite(value)

/** Frames for a graph: one NaN would blank all of it. */
export const finite = (frames: DataFrame[]): DataFrame[] =>
  frames.map((frame) => ({
    ...frame,
    fields: frame.fields.map((each) => ({
      ...each,
      values: each.values.map((value: unknown) => (isNoNumber(value) ? null : value)),
    })),
  }))

export function withFieldOptions(
  frames: DataFrame[],
  { defaults, overrides }: { defaults: any; overrides: any[] },
): DataFrame[] {
  const { custom = {}, ...standard } = defaults
  const prepared = frames.map((frame) => ({
    ...frame,
    fields: frame.fields.map((each) => ({
      ...each,
      config: { ...each.config, custom: { ...CUSTOM, ...custom } },
    })),
  }))
  const applied = applyFieldOverrides({
    data: prepared,
    fieldConfig: { defaults: withInfinity(standard), overrides },
    replaceVariables: (text: string) => text,
    theme,
    fieldConfigRegistry: registry,
    timeZone: 'utc',
  })
  // Tables read the names from this cache.
  cacheFieldDisplayNames(applied)
  return applied
}

/** The first step of thresholds is null in JSON and minus infinity in memory. */
export function withInfinity(defaults: any): any {
  const { thresholds, color = { mode: FieldColorModeId.PaletteClassic } } = defaults
  const steps = thresholds?.steps.map((step: any, index: number) =>
    index === 0 ? { ...step, value: Number.NEGATIVE_INFINITY } : step,
  )
  return { ...defaults, color, ...(thresholds ? { thresholds: { ...thresholds, steps } } : {}) }
}
