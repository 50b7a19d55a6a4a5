/**
 * `bun run check`: everything that must hold before a commit. All steps run even when one fails, so that one run shows every
 * problem; the last lines say which tests were skipped and which program each needs. Only builtins are imported: the first step
 * installs the packages.
 */
import { conclusion, skippedIn } from './skipped.ts'

const bun = process.execPath

const STEPS: readonly [name: string, command: readonly string[]][] = [
  ['install', [bun, 'install', '--frozen-lockfile']],
  ['types', [bun, '--no-script', 'check']],
  ['types of k6', [bun, '--no-script', 'check', '-p', 'k6/tsconfig.json']],
  ['format', [bun, '--no-script', 'fmt', '--check']],
  ['lint', [bun, 'x', 'oxlint', '--deny-warnings']],
  ['unused code', [bun, 'x', 'knip', '--no-config-hints']],
  // Files run beside each other, one on each processor; where CI is set one after the other, so that none is slowed down by another.
  ['tests', [bun, 'test', ...(Bun.env.CI ? [] : ['--parallel'])]],
]

process.exit(await main())

async function main(): Promise<number> {
  const failed: string[] = []
  let output = ''
  for (const [name, command] of STEPS) {
    const startedMs = performance.now()
    console.log(`\n== ${name}`)
    const step = await run(command)
    output += step.output
    if (!step.isGood) failed.push(name)
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
    console.log(`== ${name}: ${step.isGood ? 'ok' : 'FAILED'} in ${seconds} s`)
    if (!step.isGood && name === 'install') break
  }
  console.log(`\n${conclusion(failed, skippedIn(output))}`)
  return failed.length === 0 ? 0 : 1
}

/** Runs a command, prints its output as it comes, and keeps it. */
async function run(command: readonly string[]): Promise<{ isGood: boolean; output: string }> {
  const color = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}
  const { stdout, stderr, exited } = Bun.spawn([...command], {
    env: { ...Bun.env, ...color },
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
