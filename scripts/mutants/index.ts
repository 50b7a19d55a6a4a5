/**
 * `bun run mutants [folder]`: puts small faults into the code of a folder, one at a time, and tells which of them no test notices.
 * CONTRIBUTING.md says how its figures are used.
 */
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT } from '../external.ts'
import { report } from './report.ts'
import { runMutants } from './run.ts'

const HELP = `Usage: bun run mutants <folder> [options]

Puts small faults (mutants) into the code of the folder, one at a time, and runs the folder's tests on each. Lists the mutants that
no test notices. The tests run in copies of the repository, with the files as they are now.

  --sample <n>     try only n mutants, of every file in proportion
  --seed <n>       which ones: the same seed picks the same (default: random, and printed)
  --files <glob>   only files that match, relative to the folder: 'storage/*.ts'
  --jobs <n>       copies in which mutants are tried at the same time (default 1)

Results are kept in .run/mutants/ while mutant and tests are the same: remove its files to try all again.
Mutants that no user could notice stand in <folder>/mutants.toml, each with its reason. Those that do not compile are counted apart.
A folder whose package.json has a script of the same name, such as monitoring, runs that.`

process.exit(await main())

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      sample: { type: 'string' },
      seed: { type: 'string' },
      files: { type: 'string' },
      jobs: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const [folder] = positionals
  if (values.help || folder === undefined) {
    console.log(HELP)
    return values.help ? 0 : 2
  }
  // Rules and dashboards have faults of their own kinds.
  const stdio: ['inherit', 'inherit', 'inherit'] = ['inherit', 'inherit', 'inherit']
  const own = join(ROOT, folder, 'package.json')
  if (existsSync(own) && (await Bun.file(own).json()).scripts?.mutants !== undefined)
    return Bun.spawn([process.execPath, 'run', 'mutants'], { cwd: join(ROOT, folder), stdio }).exited
  const seed = Number(values.seed ?? Math.floor(Math.random() * 1e6))
  const stopped = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort())
  const copies = mkdtempSync(join(tmpdir(), 'mutants-'))
  // Tests run PostgreSQL as another user, with its files in here.
  chmodSync(copies, 0o711)
  try {
    const { outcomes, stale } = await runMutants({
      root: ROOT,
      folder: folder.replace(/\/$/, ''),
      copies,
      files: values.files ?? '**',
      sample: Number(values.sample ?? Infinity),
      seed,
      jobs: Number(values.jobs ?? 1),
      graceMs: 10_000,
      signal: stopped.signal,
      print: console.log,
    })
    console.log(`\n${report(outcomes, stale)}`)
    if (values.sample !== undefined) console.log(`\nsample ${values.sample}, seed ${seed}`)
    return stopped.signal.aborted ? 130 : 0
  } finally {
    rmSync(copies, { recursive: true, force: true })
  }
}
