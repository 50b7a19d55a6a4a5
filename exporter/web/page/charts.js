/** The charts of the live page, drawn by uPlot: axes with units, values under the pointer, and marks for events. */
import { amount, bytes, clock, cores, rate, seconds } from './format.js'

const FORMATS = {
  requestsPerSecond: rate,
  errorsPerSecond: rate,
  p50: seconds,
  p95: seconds,
  p99: seconds,
  inFlight: amount,
  eventLoopLagSeconds: seconds,
  queued: amount,
  cpuCores: cores,
  rssBytes: bytes,
}
const MARKS = {
  restart: '--warn',
  kill: '--bad',
  reload: '--accent',
  hung: '--bad',
  dead: '--bad',
  down: '--bad',
}
const HEIGHT = 150
const MIN_SPAN_MS = 60_000
const DASHES = [[], [6, 3], [2, 3], [8, 3, 2, 3]]

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name)
/** Seconds only if the ticks are closer than a minute. */
const tickOf = (tick, distance) => clock(tick * 1000).slice(0, distance < 60 ? 8 : 5)

const resolved = (name) => {
  // A canvas does not know light-dark().
  const probe = document.createElement('span')
  probe.style.color = color(name)
  document.body.append(probe)
  const value = getComputedStyle(probe).color
  probe.remove()
  return value
}

/** One chart. Its curves may change; then it is made again. */
export class Chart {
  #node
  #plot
  #shape = ''
  #changes = []
  #data = []

  constructor(node) {
    this.#node = node
    new ResizeObserver(([entry]) => {
      this.#plot?.setSize({ width: Math.floor(entry.contentRect.width), height: HEIGHT })
    }).observe(node)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#make())
  }

  /**
   * @param curves each with label, unit (name of a figure), color (name of a CSS variable) and values.
   * @param times in milliseconds. @param span of the time axis, in milliseconds.
   */
  show(curves, times, span, changes) {
    this.#changes = changes
    const last = times.at(-1) ?? Date.now()
    const first = Math.min(times[0] ?? last, last - MIN_SPAN_MS)
    this.range = [Math.max(first, last - span) / 1000, last / 1000]
    this.#data = [times.map((ms) => ms / 1000), ...curves.map(({ values }) => values)]
    const shape = JSON.stringify(curves.map(({ label, unit, color: name }) => [label, unit, name]))
    if (shape !== this.#shape || !this.#plot) {
      this.#shape = shape
      this.#make()
    } else this.#plot.setData(this.#data)
    // Without a pointer, the legend has the newest values.
    if (this.#plot.cursor.idx == null) this.#plot.setLegend({ idx: times.length - 1 })
  }

  #make() {
    if (this.#shape === '') return
    this.#plot?.destroy()
    const curves = JSON.parse(this.#shape)
    const [, unit = 'inFlight'] = curves[0] ?? []
    const format = FORMATS[unit]
    const axis = {
      stroke: resolved('--quiet'),
      grid: { stroke: resolved('--line'), width: 1 },
      ticks: { show: false },
    }
    this.#plot = new uPlot(
      {
        width: this.#node.clientWidth,
        height: HEIGHT,
        cursor: { sync: { key: 'live' }, points: { size: 5 } },
        legend: { live: true },
        scales: {
          x: { time: true, range: () => this.range },
          y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] },
        },
        axes: [
          { ...axis, size: 24, values: (_, ticks) => ticks.map((tick) => tickOf(tick, ticks[1] - ticks[0])) },
          { ...axis, size: 56, values: (_, ticks) => ticks.map((tick) => format(tick)) },
        ],
        series: [
          { label: 'time', value: (_, time) => (time == null ? '' : clock(time * 1000)) },
          ...curves.map(([label, , name], i) => ({
            label,
            stroke: resolved(name),
            width: 1.5,
            dash: name === '--bad' ? DASHES[i % DASHES.length] : [],
            points: { show: false },
            value: (_, value) => format(value),
          })),
        ],
        hooks: { draw: [(plot) => this.#drawMarks(plot)] },
      },
      this.#data,
      this.#node,
    )
  }

  /** A vertical line for each event of the time that is shown. */
  #drawMarks({ ctx, bbox, valToPos }) {
    const [from, to] = this.range
    ctx.save()
    ctx.setLineDash([3, 3])
    ctx.lineWidth = devicePixelRatio
    for (const { atMs, kind } of this.#changes) {
      const at = atMs / 1000
      if (at < from || at > to || !MARKS[kind]) continue
      const x = Math.round(valToPos(at, 'x', true))
      ctx.strokeStyle = resolved(MARKS[kind])
      ctx.beginPath()
      ctx.moveTo(x, bbox.top)
      ctx.lineTo(x, bbox.top + bbox.height)
      ctx.stroke()
    }
    ctx.restore()
  }
}
