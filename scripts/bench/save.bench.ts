/**
 * The time from a save under `bun run dev` until the gateway responds with what was saved: a description in the API docs of dogs.
 * Goal: under 2 s. Run: `bun scripts/bench/save.bench.ts` (needs git).
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { copyTo } from '../testing_files.ts'
import { Launcher } from '../testing_launcher.ts'

const SAVES = 10
const ASK_AGAIN_AFTER_MS = 5

const folder = mkdtempSync(join(tmpdir(), 'save-'))
const root = join(folder, 'checkout')
await copyTo(root)
const startedMs = performance.now()
const dev = new Launcher({ script: 'dev', cwd: root, args: ['--free-ports'] })
await dev.says('Each save restarts')
console.log(`The stack started in ${((performance.now() - startedMs) / 1000).toFixed(1)} s.`)
const gateway = /gateway +(http:\S+)/.exec(dev.output)![1]!

const model = Bun.file(join(root, 'services/dogs/model.ts'))
const source = await model.text()
const times: number[] = []
for (let save = 1; save <= SAVES; save++) {
  const text = `the breed, save ${save}`
  const savedMs = performance.now()
  await model.write(source.replace('the breed', text))
  while (!(await document()).includes(`"${text}"`)) await Bun.sleep(ASK_AGAIN_AFTER_MS)
  times.push(performance.now() - savedMs)
}
const [least, median, most] = [0, SAVES >> 1, SAVES - 1].map((at) =>
  times.toSorted((a, b) => a - b)[at]!.toFixed(0),
)
console.log(`A save is answered after ${median} ms (median of ${SAVES}; ${least} to ${most} ms).`)
dev.signal('SIGINT')
await dev.exit()
rmSync(folder, { recursive: true })

/** While dogs restarts, the gateway responds with an error. */
async function document(): Promise<string> {
  return (await fetch(`${gateway}dogs/swagger/json`)).text()
}
