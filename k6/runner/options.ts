/** The options of a script, and the flags that replace its scenario, as an executor. */

import { millisecondsOf } from './shared/duration.ts'
import { ClosedLoad, type Executor, OpenLoad } from './users/executors.ts'
import type { Flags } from './flags.ts'
import type { Threshold } from './metrics/thresholds.ts'
import { Ramp, type Stage } from './users/stages.ts'
import { checkKeys, Unsupported } from './shared/unsupported.ts'

/** What the script exports as `options`, as far as the runner has it. */
export interface Options {
  scenarios?: Record<string, Scenario>
  thresholds?: Record<string, Threshold[]>
  tags?: Record<string, string>
  summaryTrendStats?: string[]
}

interface Scenario extends Record<string, unknown> {
  executor: string
}

/** What a run does. */
export interface Plan {
  /** k6's name of the scenario; `default` when flags replace the script's. */
  name: string
  executor: Executor
  options: Required<Options>
}

const TREND_STATS = ['avg', 'min', 'med', 'max', 'p(90)', 'p(95)']
const GRACE = '30s'

/** @throws TypeError when an option is wrong; Unsupported when the runner does not have it */
export function planOf(given: Options, flags: Pick<Flags, 'users' | 'duration' | 'stages' | 'tags'>): Plan {
  checkKeys('the option', given, ['scenarios', 'thresholds', 'tags', 'summaryTrendStats'])
  const options: Required<Options> = {
    scenarios: scenariosOf(flags) ?? given.scenarios ?? { default: { executor: 'shared-iterations' } },
    thresholds: given.thresholds ?? {},
    tags: { ...given.tags, ...flags.tags },
    summaryTrendStats: given.summaryTrendStats ?? TREND_STATS,
  }
  const [scenario, ...others] = Object.entries(options.scenarios)
  if (scenario === undefined || others.length > 0)
    throw new Unsupported(`${others.length + (scenario ? 1 : 0)} scenarios in one run`)
  const [name, { executor, ...settings }] = scenario
  const make = executors[executor]
  if (make === undefined) throw new Unsupported(`the executor ${executor}`)
  return { name, options, executor: make(new Settings(executor, settings)) }
}

/** k6's shortcuts: `--stage` ramps from `--vus`, and without it `--vus` stay for `--duration`. */
function scenariosOf({
  users,
  duration,
  stages,
}: Pick<Flags, 'users' | 'duration' | 'stages'>): Options['scenarios'] {
  if (stages.length > 0 && duration !== undefined)
    throw new TypeError('--duration and --stage exclude each other: the stages say how long the run is')
  if (stages.length > 0) return { default: { executor: 'ramping-vus', startVUs: users ?? 1, stages } }
  if (duration !== undefined) return { default: { executor: 'constant-vus', vus: users ?? 1, duration } }
  if (users !== undefined) throw new Unsupported('--vus without --duration or --stage')
  return undefined
}

const executors: Readonly<Record<string, (settings: Settings) => Executor>> = {
  'constant-vus': (settings) => {
    settings.allow('vus', 'duration', 'gracefulStop')
    const vus = settings.integer('vus', 1)
    const stages = [{ duration: settings.text('duration'), target: vus }]
    const gracefulStopMs = settings.milliseconds('gracefulStop', GRACE)
    return new ClosedLoad({ users: new Ramp(vus, stages), gracefulStopMs, gracefulRampDownMs: 0 })
  },

  'ramping-vus': (settings) => {
    settings.allow('startVUs', 'stages', 'gracefulStop', 'gracefulRampDown')
    return new ClosedLoad({
      users: new Ramp(settings.integer('startVUs', 1), settings.stages()),
      gracefulStopMs: settings.milliseconds('gracefulStop', GRACE),
      gracefulRampDownMs: settings.milliseconds('gracefulRampDown', GRACE),
    })
  },

  'constant-arrival-rate': (settings) => {
    settings.allow('rate', 'duration', ...arrivals)
    const rate = settings.integer('rate')
    return openLoad(settings, new Ramp(rate, [{ duration: settings.text('duration'), target: rate }]))
  },

  'ramping-arrival-rate': (settings) => {
    settings.allow('startRate', 'stages', ...arrivals)
    return openLoad(settings, new Ramp(settings.integer('startRate', 0), settings.stages()))
  },
}

const arrivals = ['timeUnit', 'preAllocatedVUs', 'maxVUs', 'gracefulStop']

function openLoad(settings: Settings, rate: Ramp): Executor {
  const preAllocatedUsers = settings.integer('preAllocatedVUs')
  const maxUsers = settings.integer('maxVUs', preAllocatedUsers)
  if (maxUsers < preAllocatedUsers) throw new TypeError('maxVUs must not be below preAllocatedVUs')
  return new OpenLoad({
    rate,
    timeUnitMs: settings.milliseconds('timeUnit', '1s'),
    preAllocatedUsers,
    maxUsers,
    gracefulStopMs: settings.milliseconds('gracefulStop', GRACE),
  })
}

/** The settings of a scenario, read with their types. */
class Settings {
  constructor(
    readonly executor: string,
    readonly values: Record<string, unknown>,
  ) {}

  allow(...names: string[]): void {
    checkKeys(`the setting of ${this.executor}`, this.values, names)
  }

  integer(name: string, byDefault?: number): number {
    const value = this.values[name] ?? byDefault
    if (!Number.isInteger(value) || (value as number) < 0) throw this.#wrong(name, value, 'a whole number')
    return value as number
  }

  text(name: string, byDefault?: string): string {
    const value = this.values[name] ?? byDefault
    if (typeof value !== 'string') throw this.#wrong(name, value, 'a duration, such as 30s')
    return value
  }

  milliseconds(name: string, byDefault: string): number {
    return millisecondsOf(this.text(name, byDefault))
  }

  stages(): Stage[] {
    const { stages } = this.values
    if (!Array.isArray(stages) || stages.length === 0) throw this.#wrong('stages', stages, 'a list')
    return stages.map((stage) => {
      const { duration, target } = stage as Stage
      if (!Number.isInteger(target) || target < 0)
        throw this.#wrong('the target of a stage', target, 'a whole number')
      return { duration, target }
    })
  }

  #wrong(name: string, value: unknown, expected: string): TypeError {
    return new TypeError(`${name} of ${this.executor} must be ${expected}, not ${JSON.stringify(value)}`)
  }
}
