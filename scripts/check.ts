/**
 * `bun run check`: everything that must hold before a commit. All steps run even when one fails, so that one run shows every
 * problem; the last lines say which tests were left out, and which program a skipped test needs. No package is imported: the first
 * step installs them.
 */
import { availableParallelism } from 'node:os'
import settings from '../bunfig.toml'
import { tooOld } from './install.ts'
import { conclusion, skippedIn } from './skipped.ts'

const HELP = `bun run check [--all]

Everything that must hold before a commit: types, format, lint, unused code, and the tests.
Slow tests (*.slow.test.ts) are left out, and the last line says how many.

  --all   runs the slow tests, too, as it does where CI is set
  --help  prints this text`

const SLOW = '**/*.slow.test.ts'
/** Ends a test that hangs. Tests start processes, for which Bun's five seconds are short on a busy machine. */
const TEST_TIMEOUT_MS = 30_000
const bun = process.execPath
const isCI = Boolean(Bun.env.CI)

process.exit(await main(Bun.argv.slice(2)))

async function main(args: readonly string[]): Promise<number> {
  const unknown = args.find((arg) => arg !== '--all' && arg !== '--help')
  if (unknown !== undefined || args.includes('--help')) {
    if (unknown === undefined) console.log(HELP)
    else console.error(`check: unknown flag ${unknown}\n\n${HELP}`)
    return unknown === undefined ? 0 : 2
  }
  const problem = tooOld(Bun.version, 'check')
  if (problem !== undefined) {
    console.error(problem)
    return 1
  }
  const all = isCI || args.includes('--all')
  const failed: string[] = []
  let output = ''
  for (const [name, command] of stepsOf(all)) {
    const startedMs = performance.now()
    console.log(`\n== ${name}`)
    const step = await run(command)
    output += step.output
    if (!step.isGood) failed.push(name)
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
    console.log(`== ${name}: ${step.isGood ? 'ok' : 'FAILED'} in ${seconds} s`)
    if (!step.isGood && name === 'install') break
  }
  const slowFiles = all ? 0 : [...new Bun.Glob(SLOW).scanSync(`${import.meta.dir}/..`)].length
  console.log(`\n${conclusion(failed, skippedIn(output), slowFiles)}`)
  return failed.length === 0 ? 0 : 1
}

function stepsOf(all: boolean): [name: string, command: readonly string[]][] {
  // A pattern on the command line replaces those of bunfig.toml.
  const ignored = all ? [] : [...settings.test.pathIgnorePatterns, SLOW]
  // Quick tests mostly wait for processes and timers, so that two files share a processor; slow ones put load on theirs. From the
  // second run on the slowest files start first. Where CI is set, one file runs after the other, so that none slows down another;
  // with --isolate (as with --parallel) servers and loops that a hung test leaves behind end with its file.
  const atOnce = (all ? 1 : 2) * availableParallelism()
  const flags = isCI
    ? ['--isolate']
    : [`--parallel=${atOnce}`, '--timings=.run/test_times.json', '--update-timings']
  return [
    ['install', [bun, 'install', '--frozen-lockfile']],
    ['types', [bun, '--no-script', 'check']],
    ['types of k6', [bun, '--no-script', 'check', '-p', 'k6/tsconfig.json']],
    ['format', [bun, '--no-script', 'fmt', '--check']],
    ['lint', [bun, 'x', 'oxlint', '--deny-warnings']],
    ['unused code', [bun, 'x', 'knip', '--no-config-hints']],
    [
      'tests',
      [
        bun,
        'test',
        `--timeout=${TEST_TIMEOUT_MS}`,
        ...flags,
        ...ignored.map((pattern) => `--path-ignore-patterns=${pattern}`),
      ],
    ],
  ]
}

/** Runs a command, prints its output as it comes, and keeps it. */
async function run(command: readonly string[]): Promise<{ isGood: boolean; output: string }> {
  // Tests compare what programs print, which must have no colours.
  const isColored = process.stdout.isTTY && command[1] !== 'test'
  const { stdout, stderr, exited } = Bun.spawn([...command], {
    env: { ...Bun.env, FORCE_COLOR: isColored ? '1' : undefined },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const outputs = await Promise.all([pass(stdout, process.stdout), pass(stderr, process.stderr)])
  return { isGood: (await exited) === 0, output: Bun.stripANSI(outputs.join('\n')) }
}

async function pass(stream: ReadableStream<Uint8Array>, to: NodeJS.WriteStream): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const bytes of stream) {
    to.write(bytes)
    text += decoder.decode(bytes, { stream: true })
  }
  return text
}
