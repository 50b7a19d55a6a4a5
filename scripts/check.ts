/**
 * `bun run check`: everything that must hold before a commit. All steps run even when one fails, so that one run shows every
 * problem. Only builtins are imported: the first step installs the packages.
 */
const bun = process.execPath

const STEPS: readonly [name: string, command: readonly string[]][] = [
  ['install', [bun, 'install', '--frozen-lockfile']],
  ['types', [bun, '--no-script', 'check']],
  ['types of k6', [bun, '--no-script', 'check', '-p', 'k6/tsconfig.json']],
  ['format', [bun, '--no-script', 'fmt', '--check']],
  ['lint', [bun, 'x', 'oxlint', '--deny-warnings']],
  ['unused code', [bun, 'x', 'knip', '--no-config-hints']],
  ['tests', [bun, 'test']],
]

process.exit(await main())

async function main(): Promise<number> {
  const failed: string[] = []
  for (const [name, command] of STEPS) {
    const startedMs = performance.now()
    console.log(`\n== ${name}`)
    const { exited } = Bun.spawn([...command], { stdio: ['ignore', 'inherit', 'inherit'] })
    const isGood = (await exited) === 0
    if (!isGood) failed.push(name)
    console.log(
      `== ${name}: ${isGood ? 'ok' : 'FAILED'} in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`,
    )
    if (!isGood && name === 'install') break
  }
  console.log(failed.length === 0 ? '\nEverything holds.' : `\nFailed: ${failed.join(', ')}.`)
  return failed.length === 0 ? 0 : 1
}
