import { expect, test } from 'bun:test'
import { flagsOf, checkVariables } from './flags.ts'
import { type Options, planOf } from './options.ts'

const plan = (options: Options, ...command: string[]) => planOf(options, flagsOf(command))
const scenario = (settings: Record<string, unknown>) =>
  plan({ scenarios: { x: settings as { executor: string } } })
const constant = { executor: 'constant-vus', vus: 2, duration: '3s' }

test('the scenario of the script runs under its name', () => {
  const { name, executor } = scenario(constant)
  expect([name, executor.durationMs]).toEqual(['x', 3000])
})

test.each([
  [{ executor: 'ramping-vus', stages: [{ duration: '2s', target: 1 }] }, 2000],
  [{ executor: 'constant-arrival-rate', rate: 5, duration: '4s', preAllocatedVUs: 1 }, 4000],
  [
    {
      executor: 'ramping-arrival-rate',
      stages: [{ duration: '5s', target: 1 }],
      preAllocatedVUs: 1,
      maxVUs: 2,
      timeUnit: '1m',
      gracefulStop: '1s',
    },
    5000,
  ],
])('%j runs', (settings, durationMs) => {
  expect(scenario(settings).executor.durationMs).toBe(durationMs)
})

test("flags replace the script's scenario", () => {
  const given = { scenarios: { x: constant } }
  const replaced = [
    plan(given, '--vus', '7', '--duration', '1s'),
    plan(given, '-d', '1s'),
    plan(given, '-u', '5', '-s', '1s:10,2s:20', '--stage', '3s:5'),
  ]
  expect(replaced.map(({ name, options }) => [name, options.scenarios])).toEqual([
    ['default', { default: { executor: 'constant-vus', vus: 7, duration: '1s' } }],
    ['default', { default: { executor: 'constant-vus', vus: 1, duration: '1s' } }],
    [
      'default',
      {
        default: {
          executor: 'ramping-vus',
          startVUs: 5,
          stages: [
            { duration: '1s', target: 10 },
            { duration: '2s', target: 20 },
            { duration: '3s', target: 5 },
          ],
        },
      },
    ],
  ])
})

test('tags of flags are added to those of the script, and come before them', () => {
  const given = { scenarios: { x: constant }, tags: { shape: 'smoke', run: '1' } }
  expect(plan(given, '--tag', 'shape=mine').options.tags).toEqual({ shape: 'mine', run: '1' })
})

test.each<[string, () => unknown]>([
  ['the option "vus"', () => plan({ vus: 1 } as Options)],
  ['the executor shared-iterations', () => plan({})],
  ['the executor per-vu-iterations', () => scenario({ executor: 'per-vu-iterations' })],
  ['the setting of constant-vus "exec"', () => scenario({ ...constant, exec: 'f' })],
  ['the setting of constant-vus "startTime"', () => scenario({ ...constant, startTime: '1s' })],
  ['2 scenarios in one run', () => plan({ scenarios: { a: constant, b: constant } })],
  ['0 scenarios in one run', () => plan({ scenarios: {} })],
  ['--vus without --duration or --stage', () => plan({}, '--vus', '1')],
  ['the flag --iterations', () => plan({}, '--iterations', '5')],
  ['the flag -i', () => plan({}, '-i', '5')],
  ['the variable K6_VUS', () => checkVariables({ K6_VUS: '1' })],
])('%s is an error that says: run it with k6', (what, act) => {
  expect(act).toThrow(`this runner does not have ${what}: run it with k6`)
})

test('variables that the runner reads, and those that are not of k6, are no error', () => {
  checkVariables({ K6_PROMETHEUS_RW_SERVER_URL: 'x', PATH: 'x' })
})

test.each<[string, () => unknown]>([
  ['vus of constant-vus must be a whole number, not 1.5', () => scenario({ ...constant, vus: 1.5 })],
  ['vus of constant-vus must be a whole number, not -1', () => scenario({ ...constant, vus: -1 })],
  ['duration of constant-vus must be a duration', () => scenario({ executor: 'constant-vus' })],
  ['"3" is not a duration', () => scenario({ ...constant, duration: '3' })],
  ['stages of ramping-vus must be a list', () => scenario({ executor: 'ramping-vus', stages: [] })],
  [
    'the target of a stage of ramping-vus must be a whole number',
    () => scenario({ executor: 'ramping-vus', stages: [{ duration: '1s' }] }),
  ],
  [
    'maxVUs must not be below preAllocatedVUs',
    () =>
      scenario({
        executor: 'constant-arrival-rate',
        rate: 1,
        duration: '1s',
        preAllocatedVUs: 2,
        maxVUs: 1,
      }),
  ],
  ['--duration and --stage exclude each other', () => plan({}, '-d', '1s', '-s', '1s:1')],
])('%s: a wrong value is refused', (message, act) => {
  expect(act).toThrow(message)
})
