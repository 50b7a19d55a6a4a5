/** `bun run load`: the load test on Bun. Reads the command line, loads the script, runs it, and prints its summary. */

import { checkVariables, type Flags, flagsOf, USAGE } from './flags.ts'
import { Thresholds } from './metrics/thresholds.ts'
import { newLog } from './shared/log.ts'
import { Metrics } from './metrics/metrics.ts'
import { k6Modules, type RunFacts } from './modules/k6_modules.ts'
import { planOf } from './options.ts'
import { openOutputs } from './output/outputs.ts'
import { costSince } from './output/own_cost.ts'
import { Progress } from './output/progress.ts'
import { EXIT, Run } from './run.ts'
import { loadScript } from './script.ts'
import { stopSignals } from './signals.ts'

const write = (text: string) => void process.stderr.write(text)
const isTerminal = process.stderr.isTTY === true
const log = newLog(write, isTerminal)

process.exit(await main(Bun.argv.slice(2)))

async function main(command: readonly string[]): Promise<number> {
  try {
    checkVariables(Bun.env)
    const flags = flagsOf(command)
    if (!flags.isHelp) return await load(flags)
    console.log(USAGE)
    return EXIT.ok
  } catch (error) {
    log('error', (error as Error).message)
    return error instanceof TypeError ? EXIT.wrongOptions : EXIT.scriptFailed
  }
}

async function load(flags: Flags): Promise<number> {
  const metrics = new Metrics()
  const facts: RunFacts = { startTime: 0, options: { scenarios: {} } }
  const script = await loadScript(flags.script, { ...Bun.env, ...flags.env }, k6Modules(metrics, facts))
  const plan = planOf(script.options ?? {}, flags)
  facts.options = plan.options
  metrics.runTags = plan.options.tags
  const thresholds = new Thresholds(metrics, flags.hasThresholds ? plan.options.thresholds : {})
  const run = new Run({ script, plan, metrics, thresholds, facts, log })

  const signals = stopSignals()
  void signals.first.then((signal) => run.end(EXIT.interrupted, `${signal}: the run is interrupted`))
  void signals.second.then(() => process.exit(EXIT.interrupted))
  process.on('unhandledRejection', (error) => run.onError(error))

  const cost = costSince(metrics)
  const { exitCode, wasLoaded } = await runWithOutputs()
  if (!wasLoaded) return exitCode
  for (const [target, text] of Object.entries(await script.handleSummary(run.summary())))
    await Bun.write(target === 'stdout' ? Bun.stdout : target === 'stderr' ? Bun.stderr : target, text)
  if (!flags.isQuiet) write(`${cost()}\n`)
  return exitCode

  async function runWithOutputs() {
    await using opened = await openOutputs(flags.outputs, metrics, log)
    const { name, executor } = plan
    const what = { name, durationMs: executor.durationMs, users: () => executor.users }
    if (!flags.isQuiet) opened.use(new Progress(metrics, what, write, isTerminal))
    return await run.run()
  }
}
