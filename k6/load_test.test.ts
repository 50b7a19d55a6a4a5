/** The start of the load test: on the runner, and by k6 where its program is on PATH. Whole runs are in load_test.slow.test.ts. */

import { describe, expect, test as bunTest } from 'bun:test'
import { abortedByScript, hasK6, names, run, scriptFailed, serve } from './testdata/programs.ts'

const shapes = ['smoke', 'stress', 'spike', 'soak', 'breakpoint']

/** No program listens there. */
const nothing = 'http://127.0.0.1:1'

describe.each(names)('on %s', (program) => {
  const test = program === 'k6' ? bunTest.skipIf(!hasK6) : bunTest

  test.each(shapes)('has the shape %s, of which it has every option', async (shape) => {
    const { exitCode } = await run(program, nothing, '-e', `SHAPE=${shape}`)
    expect(exitCode).toBe(abortedByScript)
  })

  test('refuses an unknown shape and lists those there are', async () => {
    const { exitCode, output } = await run(program, nothing, '-e', 'SHAPE=tsunami')
    expect(exitCode).toBe(scriptFailed)
    expect(output).toContain(`no SHAPE is named \\"tsunami\\": choose one of ${shapes.join(', ')}`)
  })

  test('says what to do when nothing listens', async () => {
    const { exitCode, output } = await run(program, nothing, '--vus', '1', '--duration', '5s')
    expect(exitCode).toBe(abortedByScript)
    expect(output).toMatch(
      /nothing answers at http:\/\/127\.0\.0\.1:1 .*start the system with \\"bun run up\\"/,
    )
  })

  test('says which answer was not that of the gateway', async () => {
    using server = serve(() => new Response(null, { status: 404 }))
    const { exitCode, output } = await run(program, server.url, '--vus', '1', '--duration', '5s')
    expect(exitCode).toBe(abortedByScript)
    expect(output).toContain(
      `GET ${server.url}/dogs/ answered 404 instead of 200: is ${server.url} the gateway?`,
    )
  })
})
