/** A heatmap of buckets on a canvas. Grafana's own is part of its program and in no library. */

import { type DataFrame, getValueFormat, formattedValueToString } from '@grafana/data'
import { useEffect, useRef } from 'react'

const LEFT = 60
const BOTTOM = 20

/** Buckets are cumulative in Prometheus: each row is the difference to the one below. */
export function Heatmap({
  frames,
  width,
  height,
  unit,
}: {
  frames: DataFrame[]
  width: number
  height: number
  unit: string
}) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const rows = frames
    .map(({ fields: [time, value] }) => ({
      le: Number(value!.labels!['le']!.replace('+Inf', 'Infinity')),
      times: time!.values as number[],
      values: value!.values as number[],
    }))
    .toSorted((a, b) => a.le - b.le)
  useEffect(() => {
    const context = canvas.current!.getContext('2d')!
    const times = [...new Set(rows.flatMap((row) => row.times))].toSorted((a, b) => a - b)
    const cellWidth = (width - LEFT) / times.length
    const cellHeight = (height - BOTTOM) / rows.length
    const at = rows.map((row) => new Map(row.times.map((time, index) => [time, row.values[index] ?? 0])))
    const counts = rows.map((_, row) =>
      times.map((time) => (at[row]!.get(time) ?? 0) - (row > 0 ? (at[row - 1]!.get(time) ?? 0) : 0)),
    )
    const most = Math.max(...counts.flat(), 1e-9)
    context.clearRect(0, 0, width, height)
    context.font = '11px Inter, sans-serif'
    for (const [row, { le }] of rows.entries()) {
      const y = height - BOTTOM - (row + 1) * cellHeight
      for (const [column, count] of counts[row]!.entries()) {
        if (count <= 0) continue
        context.fillStyle = `rgba(255, 152, 48, ${0.15 + 0.85 * Math.sqrt(count / most)})`
        context.fillRect(LEFT + column * cellWidth, y, Math.ceil(cellWidth), Math.max(1, cellHeight - 1))
      }
      context.fillStyle = '#ccccdc'
      if (cellHeight > 11 || row % 2 === 0)
        context.fillText(
          Number.isFinite(le) ? formattedValueToString(getValueFormat(unit)(le)) : '+Inf',
          2,
          y + cellHeight / 2 + 4,
        )
    }
  })
  return <canvas ref={canvas} width={width} height={height} />
}
