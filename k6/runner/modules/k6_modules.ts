/** The modules that the script imports from k6, with functions that return promises where those of k6 block. */

import { httpModule } from './http_module.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { strict } from '../shared/unsupported.ts'
import { currentUser } from '../users/virtual_user.ts'

/** `exec.test.abort`: ends the run. */
export class Aborted extends Error {
  override name = 'Aborted'
}

/** What the script may ask about the run that it is part of. */
export interface RunFacts {
  /** Milliseconds since the epoch at which the scenario began. */
  startTime: number
  /** The options, with what flags made of them. */
  options: { scenarios: object }
}

type Checks<T> = Record<string, (value: T) => unknown>

/** The modules by their specifiers, each with its exports. */
export function k6Modules(metrics: Metrics, facts: RunFacts): Record<string, Record<string, unknown>> {
  return {
    k6: {
      sleep: (seconds: number) => currentUser('sleep').wait('sleep', () => Bun.sleep(1000 * seconds)),

      check<T>(value: T, checks: Checks<T>): boolean {
        const { tags } = currentUser('check')
        const results = Object.entries(checks).map(([name, holds]) => {
          const isGood = Boolean(holds(value))
          metrics.add('checks', isGood ? 1 : 0, metrics.tagSet({ ...tags, check: name }))
          return isGood
        })
        return results.every(Boolean)
      },
    },
    'k6/http': { default: httpModule(metrics) },
    'k6/execution': { default: executionModule(facts) },
  }
}

function executionModule(facts: RunFacts) {
  return strict('exec', {
    scenario: strict('exec.scenario', {
      get startTime() {
        return facts.startTime
      },
    }),
    test: strict('exec.test', {
      options: strict('exec.test.options', {
        get scenarios() {
          return facts.options.scenarios
        },
      }),
      abort(message = ''): never {
        throw new Aborted(message === '' ? 'test aborted' : `test aborted: ${message}`)
      },
    }),
    get vu() {
      return strict('exec.vu', {
        metrics: strict('exec.vu.metrics', { tags: currentUser('exec.vu.metrics.tags').tags }),
      })
    },
  })
}
