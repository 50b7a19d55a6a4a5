/** `bun run bench`: every benchmark, one after the other. Each prints what it compares and how to run it alone. */
import { ROOT } from './external.ts'

const benchmarks = [
  ...new Bun.Glob('{scripts,gateway,exporter,services/*,packages/*}/bench/*.bench.ts').scanSync(ROOT),
]
for (const path of benchmarks.toSorted()) {
  console.log(`\n== ${path}`)
  const { exited } = Bun.spawn([process.execPath, path], {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if ((await exited) !== 0) process.exit(1)
}
