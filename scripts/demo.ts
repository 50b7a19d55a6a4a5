/**
 * `bun run demo`: the stack, load, and a short story of faults. Each step prints the fault and the place to look at, and waits
 * until the alert fires and is resolved. Alerts fire sooner than in production, so that it takes minutes. Needs Prometheus.
 */
import { stopSignals } from '@bun-monitoring/prefork'
import { join } from 'node:path'
import { Child } from './child.ts'
import { ROOT } from './external.ts'
import { helpAsked } from './help.ts'
import { Stack } from './stack.ts'
import { howToInstall } from './welcome.ts'
import { firingAlerts, labelsOf, type Scene, story, STORY_ENV, TIMES_FASTER } from './story.ts'

const ASK_AGAIN_AFTER_MS = 500
const GIVE_UP_AFTER_MS = 180_000
/** How long a fault goes on after its alert has fired. */
const TIME_TO_LOOK_MS = 10_000
/** Virtual users: enough for graphs to move, and few enough to leave processors idle. */
const USERS = 5

const HELP = `bun run demo

Starts the stack under load, and breaks it five times. At each step it says where to look. Needs Prometheus, and takes three minutes.`

process.exit(helpAsked(process.argv.slice(2), HELP) ?? (await main()))

async function main(): Promise<number> {
  if (Bun.which('prometheus') === null) {
    // It does not run in containers.
    const find = (program: string) => (program === 'docker' ? null : Bun.which(program))
    console.error(`the demonstration needs Prometheus: ${howToInstall('prometheus', find)}`)
    return 1
  }
  const signals = stopSignals()
  const stack = new Stack({
    env: STORY_ENV,
    prometheusOptions: { timesFaster: TIMES_FASTER },
    print: () => {},
  })
  const stopped = signals.drain.then(() => 'stopped' as const)
  void signals.now.then(() => stack.kill())
  let load: Child | undefined
  try {
    const urls = await Promise.race([stack.start(), stopped])
    if (urls === 'stopped') return 0
    const { prometheus } = urls
    load = new Child({
      name: 'load',
      command: [
        process.execPath,
        '--no-orphans',
        join(ROOT, 'k6/runner/index.ts'),
        '--quiet',
        '--vus',
        String(USERS),
        '--duration',
        '1h',
        '--out',
        'prometheus',
      ],
      env: {
        BASE_URL: urls.gateway,
        SUMMARY: '/dev/null',
        K6_PROMETHEUS_RW_SERVER_URL: `${prometheus}/api/v1/write`,
      },
      print: () => {},
    })
    console.log(
      `The stack runs under load: ${urls.gateway}/ · live page ${urls.exporter}/ · alerts ${prometheus}/alerts · ` +
        `dashboards ${urls.grafana ?? '(Grafana is not on PATH)'}\nEverything that alerts wait for is ${TIMES_FASTER} times shorter. Ctrl+C ends it.\n`,
    )
    const end = await Promise.race([tell({ stack, urls }, prometheus!), stopped])
    if (end === 'told') console.log('That was all. Everything goes on until Ctrl+C.')
    await stopped
    return 0
  } catch (error) {
    console.error((error as Error).message)
    return 1
  } finally {
    // The load test runs in a session of its own, so it gets one SIGINT, from here, and has the time to remove its rows.
    await load?.stop()
    await stack.stop()
  }
}

async function tell(scene: Scene, prometheus: string): Promise<'told'> {
  // The load test tries each operation once before its load and ends if one fails, so the first fault waits for the load.
  await until(async () => (await labelsOf(prometheus, 'k6_iterations_total > 0')).length > 0)
  for (const [index, step] of story.entries()) {
    const say = (text: string) => console.log(`${index + 1}/${story.length}  ${text}`)
    say(`${step.title}. ${step.tells}\n     look at ${step.look}`)
    const startedMs = performance.now()
    await step.begin(scene)
    await until(async () => {
      await step.meanwhile?.(scene)
      return (await firingAlerts(prometheus)).includes(step.alert)
    })
    say(`${step.alert} fires after ${secondsSince(startedMs)}: ${prometheus}/alerts. Have a look.`)
    await Bun.sleep(TIME_TO_LOOK_MS)
    say('Now it is mended.')
    const mendedMs = performance.now()
    await step.end(scene)
    await until(async () => !(await firingAlerts(prometheus)).includes(step.alert))
    say(`over after ${secondsSince(mendedMs)}.\n`)
  }
  return 'told'
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const startedMs = performance.now()
  while (!(await holds())) {
    if (performance.now() - startedMs > GIVE_UP_AFTER_MS)
      throw new Error('the story does not go on: see the log')
    await Bun.sleep(ASK_AGAIN_AFTER_MS)
  }
}

function secondsSince(startedMs: number): string {
  return `${((performance.now() - startedMs) / 1000).toFixed(0)} s`
}
