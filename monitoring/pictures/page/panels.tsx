/** Draws one panel with Grafana's own components. */

import {
  type DataFrame,
  dateTime,
  FieldColorModeId,
  getFieldDisplayValues,
  standardTransformers,
  standardTransformersRegistry,
  type TimeRange,
  transformDataFrame,
} from '@grafana/data'
import { VizOrientation } from '@grafana/schema'
import { BigValue, PanelChrome, TimeSeries, VizRepeater } from '@grafana/ui'
import { TableNG } from '@grafana/ui/unstable'
import { useEffect, useState } from 'react'
import { lastValueFrom } from 'rxjs'
import { finite, theme, withFieldOptions, withInfinity } from './fields.ts'
import { Heatmap } from './heatmap.tsx'
import { framesOf, type PanelModel, type Task } from './query.ts'

const { organizeFieldsTransformer, sortByTransformer } = standardTransformers
standardTransformersRegistry.setInit(() =>
  [organizeFieldsTransformer, sortByTransformer].map(
    (transformation) =>
      ({
        id: transformation.id,
        name: transformation.name,
        transformation: () => Promise.resolve(transformation),
        editor: () => null,
      }) as any,
  ),
)

/** Pixels beside a graph for half of the last and of the first label of its time axis: at the left there are those of values, too. */
const [RIGHT, LEFT] = [30, 12]

type Props = { panel: PanelModel; task: Task; width: number; height: number; onDone: () => void }

export function Panel({ panel, task, width, height, onDone }: Props) {
  const [frames, setFrames] = useState<DataFrame[]>()
  useEffect(() => {
    void load(task, panel).then(setFrames)
  }, [])
  useEffect(() => {
    if (frames !== undefined) onDone()
  }, [frames])
  return (
    <PanelChrome title={panel.title} width={width} height={height}>
      {(innerWidth, innerHeight) =>
        frames === undefined ? null : (
          <div
            data-panel={panel.title}
            data-type={panel.type}
            style={{ width: innerWidth, height: innerHeight, overflow: 'hidden' }}
          >
            {contentOf({ panel, frames, task, width: innerWidth, height: innerHeight })}
          </div>
        )
      }
    </PanelChrome>
  )
}

async function load(task: Task, panel: PanelModel): Promise<DataFrame[]> {
  const frames = (await Promise.all((panel.targets ?? []).map((target) => framesOf(task, target)))).flat()
  const transformed = await lastValueFrom(transformDataFrame(panel.transformations ?? [], frames))
  return panel.type === 'stat' || panel.type === 'text'
    ? transformed
    : withFieldOptions(finite(transformed), panel.fieldConfig)
}

type Content = { panel: PanelModel; frames: DataFrame[]; task: Task; width: number; height: number }

function contentOf(content: Content) {
  const { panel, frames, width, height, task } = content
  if (panel.type === 'stat') return stats(content)
  if (panel.type === 'text')
    return <div style={{ fontSize: 13, whiteSpace: 'pre-wrap' }}>{panel.options.content}</div>
  const isEmpty = frames.every(
    (frame) =>
      frame.length === 0 ||
      frame.fields.slice(1).every(({ values }) => values.every((value) => value === null)),
  )
  if (frames.length === 0 || isEmpty)
    return (
      <div data-empty style={{ textAlign: 'center', paddingTop: height / 2 - 20 }}>
        No data
      </div>
    )
  if (panel.type === 'table') return <TableNG data={frames[0]!} width={width} height={height} />
  if (panel.type === 'heatmap')
    return <Heatmap frames={frames} width={width} height={height} unit={panel.fieldConfig.defaults.unit} />
  return (
    <TimeSeries
      frames={frames}
      width={width}
      height={height}
      timeRange={rangeOf(task)}
      timeZone="utc"
      legend={panel.options.legend}
    >
      {(config) => {
        config.setPadding([null, RIGHT, null, LEFT])
        return null
      }}
    </TimeSeries>
  )
}

function stats({ panel, frames, width, height }: Content) {
  const { defaults, overrides } = panel.fieldConfig
  const { reduceOptions, textMode, colorMode, graphMode, orientation, justifyMode, text } = panel.options
  const fieldConfig = {
    defaults: { ...withInfinity(defaults), color: { mode: FieldColorModeId.Thresholds } },
    overrides,
  }
  const values = getFieldDisplayValues({
    fieldConfig,
    reduceOptions,
    replaceVariables: (value: string) => value,
    theme,
    data: withFieldOptions(frames, fieldConfig),
    timeZone: 'utc',
  })
  return (
    <VizRepeater
      getValues={() => values}
      getAlignmentFactors={() => undefined}
      renderValue={({ value, width, height, count }: any) => (
        <BigValue
          value={value.display}
          count={count}
          width={width}
          height={height}
          theme={theme}
          colorMode={colorMode}
          graphMode={graphMode}
          textMode={textMode}
          justifyMode={justifyMode}
          text={text}
        />
      )}
      width={width}
      height={height}
      source={frames}
      autoGrid
      orientation={orientation ?? VizOrientation.Auto}
      renderCounter={0}
    />
  )
}

function rangeOf({ fromSeconds, toSeconds }: Task): TimeRange {
  const [from, to] = [dateTime(fromSeconds * 1000), dateTime(toSeconds * 1000)]
  return { from, to, raw: { from, to } }
}
