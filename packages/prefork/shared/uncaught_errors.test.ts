/** What becomes of errors that no code catches, in processes of their own. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { exitOnUncaughtErrors } from './uncaught_errors.ts'

/** Real processes on a machine that may be busy. */
setDefaultTimeout(120_000)

/** Runs code in a process that ends by itself with code 7 a moment later. @returns its log lines and its exit code. */
async function ran(code: string) {
  const script = `
    const { exitOnUncaughtErrors } = await import(${JSON.stringify(`${import.meta.dir}/uncaught_errors.ts`)})
    const log = { error: ({ err, ...fields }, msg) => console.log(JSON.stringify([msg, String(err), fields])) }
    // Turns later than the exit for an error, also if both timers come at once on a busy machine.
    setTimeout(() => setImmediate(() => setImmediate(() => process.exit(7))), 200)
    ${code}
    await new Promise(() => {})`
  await using child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe', stderr: 'ignore' })
  const lines = (await new Response(child.stdout).text()).trim().split('\n').filter(Boolean)
  return { lines: lines.map((line) => JSON.parse(line) as unknown), code: await child.exited }
}
const WATCH = 'exitOnUncaughtErrors(log, () => ({ inFlight: 3 }));'

test('an error ends the process with 1, after one line with its fields', async () => {
  expect(await ran(`${WATCH} setTimeout(() => { throw new Error('thrown') }, 1)`)).toEqual({
    lines: [['an error was not caught: thrown', 'Error: thrown', { inFlight: 3 }]],
    code: 1,
  })
})

test('so does a rejection, also of something that is no error; only the first is logged', async () => {
  const rejections = `void Promise.reject('first'); void Promise.reject(new Error('second'))`
  expect(await ran(`${WATCH} setTimeout(() => { ${rejections} }, 1)`)).toEqual({
    lines: [['a promise was rejected and no code handled it: first', 'first', { inFlight: 3 }]],
    code: 1,
  })
})

test('an app that listens for rejections decides about them, but not about errors', async () => {
  const listens = `process.on('unhandledRejection', () => {});`
  expect(await ran(`${WATCH} ${listens} void Promise.reject(new Error('rejected'))`)).toEqual({
    lines: [],
    code: 7,
  })
  const { code } = await ran(`${WATCH} ${listens} setTimeout(() => { throw new Error('thrown') }, 1)`)
  expect(code).toBe(1)
})

test('listeners of the app for errors are called before the end', async () => {
  const { lines, code } = await ran(
    `${WATCH} process.on('uncaughtException', () => console.log('["mine"]')); setTimeout(() => { throw new Error('x') }, 1)`,
  )
  expect([lines.length, lines.at(-1), code]).toEqual([2, ['mine'], 1])
})

test('it can be ended', () => {
  const count = () => ['uncaughtException', 'unhandledRejection'].map((each) => process.listenerCount(each))
  const before = count()
  const end = exitOnUncaughtErrors({ error() {} })
  expect(count()).toEqual(before.map((each) => each + 1))
  end()
  expect(count()).toEqual(before)
})
