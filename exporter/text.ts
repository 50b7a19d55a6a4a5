/** A scrape's families as Prometheus text: written by packages/metrics, as every other page is. */
import { labelText, renderText as render } from '@bun-monitoring/metrics'

export interface Sample {
  labels: Readonly<Record<string, string>>
  value: number
}

export interface MetricFamily {
  name: string
  help: string
  type: 'counter' | 'gauge'
  samples: Sample[]
}

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Writes the page; a family without samples is left out. */
export const renderText = (families: readonly MetricFamily[]): string =>
  render(
    families
      .filter(({ samples }) => samples.length > 0)
      .map(({ name, help, type, samples }) => ({ name, help, type, series: samples.map(seriesOf) })),
  )

const seriesOf = ({ labels, value }: Sample) => ({
  labels: labelText(Object.keys(labels), Object.values(labels)),
  value,
})
