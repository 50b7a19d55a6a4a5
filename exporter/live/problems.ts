/** What is wrong with an app now, in sentences, the worst first. */
import type { Stats } from '../stats/parse.ts'
import type { AppMetrics } from './app_metrics.ts'
import { type Red, sum } from './figures.ts'

export interface Problem {
  /** Stays the same while the problem lasts. */
  key: string
  text: string
  /** The worst problems have the highest one. Failing requests have 1 and their share. */
  weight: number
}

const UNREADABLE = 4
const UNAVAILABLE = 3
const FAILING = 1
const HUNG = 1
const DEGRADED = 0

/** A smaller share of failing requests is visible in the charts, but not a problem of the whole app. */
const LEAST_SHARE = 0.01
/** A single route is a problem from this share on. */
const LEAST_SHARE_OF_ROUTE = 0.05

const SERVING: ReadonlySet<string> = new Set(['ready', 'busy', 'cheap'])

export interface AppState {
  stats: Stats
  metrics: AppMetrics | undefined
  red: Red | undefined
  routes: ReadonlyMap<string, Red>
}

export const problemOfTarget = (reason: string): Problem => ({
  key: 'down',
  text: `cannot be read: ${reason}`,
  weight: UNREADABLE,
})

export const problemsOf = ({ stats, metrics, red, routes }: AppState): Problem[] => [
  ...failingRequests(red, routes),
  ...brokenWorkers(stats),
  ...brokenUpstreams(metrics),
  ...fullQueue(stats),
]

export const byWeight = (a: Problem, b: Problem): number => b.weight - a.weight

/** The whole app if it has enough failures; otherwise each route that has. */
function failingRequests(red: Red | undefined, routes: ReadonlyMap<string, Red>): Problem[] {
  const failing = Array.from(routes, ([route, each]) => ({ route, figures: each, share: shareOf(each) }))
    .filter(({ share }) => share >= LEAST_SHARE_OF_ROUTE)
    .toSorted((a, b) => b.share - a.share)
  if (red && shareOf(red) >= LEAST_SHARE) {
    const where = failing.length === 1 && routes.size > 1 ? ` on ${failing[0]!.route}` : ''
    return [{ key: 'errors', text: `${failuresOf(red)}${where}`, weight: FAILING + shareOf(red) }]
  }
  return failing.map(({ route, figures, share }) => ({
    key: `errors ${route}`,
    text: `${failuresOf(figures)} on ${route}`,
    weight: FAILING + share,
  }))
}

const shareOf = ({ errorsPerSecond = 0, requestsPerSecond = 0 }: Red): number =>
  errorsPerSecond > 0 ? errorsPerSecond / Math.max(requestsPerSecond, errorsPerSecond) : 0

/** `100 % of requests fail with 500`; it says 100 only if all of them fail. */
function failuresOf(red: Red): string {
  const share = shareOf(red)
  const percent = share === 1 ? 100 : Math.min(99, Math.max(1, Math.round(share * 100)))
  const [reason] = Object.entries(red.failures).toSorted(([, a], [, b]) => b - a)[0]!
  return `${percent} % of requests fail with ${reason === 'exception' ? 'an exception' : reason}`
}

function brokenWorkers({ workers = [] }: Stats): Problem[] {
  const hung = workers
    .filter(({ state }) => state === 'hung')
    .map(({ id }) => ({
      key: `hung ${id}`,
      text: `worker ${id} is hung: its event loop does not turn`,
      weight: HUNG,
    }))
  const canServe = workers.some(({ state }) => state === undefined || SERVING.has(state))
  return workers.length === 0 || canServe
    ? hung
    : [{ key: 'no worker', text: 'no worker is ready', weight: UNAVAILABLE }, ...hung]
}

function brokenUpstreams(metrics: AppMetrics | undefined): Problem[] {
  const problems: Problem[] = []
  for (const [name, { targets }] of metrics?.upstreams ?? []) {
    const { healthy = 0, ejected = 0, slow_start: starting = 0 } = targets
    const usable = healthy + starting
    if (usable === 0)
      problems.push({
        key: `no target ${name}`,
        text: `upstream ${name} has no healthy target`,
        weight: UNAVAILABLE,
      })
    else if (ejected > 0)
      problems.push({
        key: `ejected ${name}`,
        text: `upstream ${name}: ${ejected} of ${usable + ejected} targets ejected`,
        weight: DEGRADED,
      })
  }
  return problems
}

function fullQueue({ sockets = [] }: Stats): Problem[] {
  const length = sum(sockets.map(({ queue }) => queue)) ?? 0
  const limit = sum(sockets.map(({ max_queue }) => max_queue)) ?? 0
  return limit > 0 && length >= limit
    ? [{ key: 'queue', text: `the listen queue is full: ${length} connections wait`, weight: DEGRADED }]
    : []
}
