/**
 * Reads all targets every few seconds, `/stats` and `/metrics`, and keeps what the live page shows: the figures of now, the
 * curves of the last minutes, problems with the time since when, and changes.
 */
import type { Target } from '../config/target.ts'
import { within } from '../stats/deadline.ts'
import { type Reading, scrape, type ScrapeOptions } from '../stats/scrape.ts'
import { type AppMetrics, parseAppMetrics } from './app_metrics.ts'
import { type ChangeKind, changesOf } from './changes.ts'
import { describeApp, type AppView } from './app_view.ts'
import { redOfApp, saturationOf, type Snapshot, sum } from './figures.ts'
import { type Curve, History, type Point } from './history.ts'
import { byWeight, type Problem, problemOfTarget } from './problems.ts'

export interface MonitorOptions {
  targets: readonly Target[]
  /** How a target is read; the signal is that of each turn. */
  scrape: Omit<ScrapeOptions, 'signal'>
  /** 0: nothing is kept, and targets are read only while the page is open. */
  historyMs: number
  stepMs: number
  /** Reads the targets; tests pass their own. */
  read?: (signal: AbortSignal) => Promise<Reading[]>
  now?: () => number
}

export interface TimedProblem {
  app: string
  text: string
  sinceMs: number
}

export interface TimedChange {
  atMs: number
  app: string
  target: string
  kind: ChangeKind
  text: string
}

/** What the page shows of one target. */
export type TargetView = { target: string; app: string } & ({ problem: string } | AppView)

/** The document of the live page. */
export interface LiveDocument {
  nowMs: number
  stepMs: number
  historyMs: number
  /** Time that the figures are of; shorter at first. */
  windowMs: number
  targets: TargetView[]
  problems: TimedProblem[]
  changes: TimedChange[]
  curves: { times: number[]; targets: Record<string, Record<Curve, (number | null)[]>> }
}

/** Figures are of the time since the last snapshot that is at least this old. */
const WINDOW_MS = 30_000
const MAX_CHANGES = 200
/** Without a history, targets are read while the page was asked for within this time. */
const WATCHED_MS = 30_000

interface TargetState {
  app: string
  snapshots: Snapshot[]
  isUp: boolean
}

export class Monitor {
  readonly #options: MonitorOptions
  readonly #history: History
  readonly #now: () => number
  readonly #states = new Map<string, TargetState>()
  /** When each problem was first seen, by target and key. */
  readonly #since = new Map<string, number>()
  readonly #stopped = new AbortController()
  #views: TargetView[] = []
  #problems: TimedProblem[] = []
  #changes: TimedChange[] = []
  #askedMs = -Infinity
  #turning: Promise<void> | undefined

  constructor(options: MonitorOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#history = new History(Math.floor(options.historyMs / options.stepMs))
  }

  /** Reads the targets now and then every step, until {@link stop}. */
  start(): void {
    const turn = () => {
      const isWatched = this.#options.historyMs > 0 || this.#now() - this.#askedMs < WATCHED_MS
      if (isWatched) void this.turn()
    }
    const timer = setInterval(turn, this.#options.stepMs)
    this.#stopped.signal.addEventListener('abort', () => clearInterval(timer))
    turn()
  }

  stop(): void {
    this.#stopped.abort()
  }

  /** What the page shows, with the points and changes after a time. The first call of a page waits for a turn. */
  async document(afterMs: number): Promise<LiveDocument> {
    const wasWatched = this.#options.historyMs > 0 || this.#now() - this.#askedMs < WATCHED_MS
    this.#askedMs = this.#now()
    if (!wasWatched || this.#views.length === 0) await this.turn()
    const { stepMs, historyMs } = this.#options
    return {
      nowMs: this.#now(),
      stepMs,
      historyMs,
      windowMs: WINDOW_MS,
      targets: this.#views,
      problems: this.#problems,
      changes: this.#changes.filter(({ atMs }) => atMs > afterMs),
      curves: this.#history.after(afterMs),
    }
  }

  /** Reads all targets once; a call during a turn waits for that turn. */
  turn(): Promise<void> {
    this.#turning ??= this.#turn().finally(() => (this.#turning = undefined))
    return this.#turning
  }

  async #turn(): Promise<void> {
    const { targets, stepMs, scrape: options } = this.#options
    const read = this.#options.read ?? ((signal: AbortSignal) => scrape(targets, { ...options, signal }))
    const readings = await within(Math.max(stepMs - 250, stepMs / 2), this.#stopped.signal, read)
    if (this.#stopped.signal.aborted) return
    const atMs = this.#now()
    const points = new Map<string, Point>()
    const problems: (TimedProblem & Problem)[] = []
    this.#views = readings.map((reading) => {
      const view = this.#viewOf(reading, atMs)
      const own = 'problem' in view ? [problemOfTarget(view.problem)] : view.problems
      for (const problem of own) {
        const id = `${reading.target} ${problem.key}`
        if (!this.#since.has(id)) this.#since.set(id, atMs)
        problems.push({ app: view.app, sinceMs: this.#since.get(id)!, ...problem })
      }
      this.#forgetProblems(reading.target, new Set(own.map(({ key }) => `${reading.target} ${key}`)))
      points.set(reading.target, this.#pointOf(reading.target))
      return view
    })
    this.#forgetTargets(new Set(points.keys()))
    this.#problems = problems.toSorted(byWeight).map(({ app, text, sinceMs }) => ({ app, text, sinceMs }))
    this.#history.add(atMs, points)
    this.#changes = this.#changes
      .filter((change) => change.atMs > atMs - Math.max(this.#options.historyMs, WATCHED_MS))
      .slice(-MAX_CHANGES)
  }

  #viewOf(reading: Reading, atMs: number): TargetView {
    const { target } = reading
    const state = this.#states.get(target) ?? { app: target, snapshots: [], isUp: true }
    const isNew = !this.#states.has(target)
    this.#states.set(target, state)
    const tell = (kind: ChangeKind, text: string) =>
      this.#changes.push({ atMs, app: state.app, target, kind, text })

    if ('problem' in reading) {
      if (state.isUp && !isNew) tell('down', `cannot be read: ${reading.problem}`)
      state.isUp = false
      // What it counts may start again from 0.
      state.snapshots = []
      return { target, app: state.app, problem: reading.problem }
    }
    const { stats, metricsPage } = reading
    state.app = stats.name ?? target
    if (!state.isUp) tell('up', 'can be read again')
    state.isUp = true
    const metrics: AppMetrics | undefined =
      metricsPage === undefined ? undefined : parseAppMetrics(metricsPage)
    const before = state.snapshots.at(-1)
    if (before) for (const { kind, text } of changesOf(stats, before.stats)) tell(kind, text)
    state.snapshots.push({ atMs, stats, metrics })
    while (state.snapshots.length > 2 && state.snapshots[1]!.atMs <= atMs - WINDOW_MS) state.snapshots.shift()
    return { target, app: state.app, ...describeApp(state.snapshots.at(-1)!, state.snapshots[0]!) }
  }

  /** The figures of the last step. */
  #pointOf(target: string): Point {
    const [before, now] = this.#states.get(target)!.snapshots.slice(-2)
    if (!before || !now) return {}
    return {
      ...redOfApp(now, before),
      ...saturationOf(now.stats.workers ?? [], now, before),
      queued: sum((now.stats.sockets ?? []).map(({ queue }) => queue)),
    }
  }

  #forgetProblems(target: string, present: ReadonlySet<string>): void {
    for (const id of this.#since.keys())
      if (id.startsWith(`${target} `) && !present.has(id)) this.#since.delete(id)
  }

  #forgetTargets(present: ReadonlySet<string>): void {
    for (const target of this.#states.keys()) {
      if (present.has(target)) continue
      this.#states.delete(target)
      this.#forgetProblems(target, new Set())
    }
  }
}
