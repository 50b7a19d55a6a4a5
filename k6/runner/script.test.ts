/** Scripts on the runner, each as a process: what they may use, and what they are told when they need more. */

import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folder = mkdtempSync(join(tmpdir(), 'load-'))
afterAll(() => rmSync(folder, { recursive: true }))

const scriptFailed = 107
let scripts = 0

/** A script that prints its metrics as JSON and ends after 50 ms. */
async function run(code: string, ...flags: string[]) {
  const path = join(folder, `${++scripts}.ts`)
  const options = `{ scenarios: { x: { executor: 'constant-vus', vus: 2, duration: '50ms' } }, THRESHOLDS }`
  await Bun.write(
    path,
    [
      code.includes('export const options')
        ? ''
        : `export const options = ${options.replace(', THRESHOLDS', '')}`,
      code.includes('handleSummary')
        ? ''
        : `export const handleSummary = (data) => ({ stdout: JSON.stringify(data.metrics) })`,
      code,
    ].join('\n'),
  )
  const { stdout, stderr, exited } = Bun.spawn(
    [process.execPath, join(import.meta.dir, 'index.ts'), '--quiet', path, ...flags],
    { stdout: 'pipe', stderr: 'pipe' },
  )
  const [output, errors, exitCode] = await Promise.all([
    new Response(stdout).text(),
    new Response(stderr).text(),
    exited,
  ])
  return { output, errors: errors.trim().split('\n'), exitCode }
}

const sleeping = `import { sleep } from 'k6'; export default async () => { await sleep(0.01) }`
const http = `import http from 'k6/http'`

function serve(answer: (request: Request) => Response) {
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: answer })
  return { url: `http://127.0.0.1:${server.port}/`, [Symbol.dispose]: () => void server.stop(true) }
}

test.each<[string, string, string]>([
  ['a module of k6', `import ws from 'k6/ws'; console.log(ws); ${sleeping}`, 'the module k6/ws'],
  ['a function of k6', `import { group } from 'k6'; group('x'); ${sleeping}`, '"group" of the module k6'],
  [
    'an import from the internet',
    `import x from 'https://jslib.k6.io/x.js'; console.log(x); ${sleeping}`,
    'imports from the internet (https://jslib.k6.io/x.js)',
  ],
  ['a method of http', `${http}; export default () => http.get('http://127.0.0.1:1')`, 'http.get'],
  ['a batch of requests', `${http}; export default () => http['batch']([])`, 'http.batch'],
  [
    'a fact about the run',
    `import exec from 'k6/execution'; export default () => exec.vu.idInTest`,
    'exec.vu.idInTest',
  ],
  [
    'an instance',
    `import exec from 'k6/execution'; export default () => exec.instance.iterationsCompleted`,
    'exec.instance',
  ],
  [
    'an option',
    `export const options = { insecureSkipTLSVerify: true }; ${sleeping}`,
    'the option "insecureSkipTLSVerify"',
  ],
  ['a further export', `export const other = () => {}; ${sleeping}`, 'the export "other"'],
  [
    'TLS',
    `${http}; export default async () => { await http.request('GET', 'https://127.0.0.1:1/') }`,
    'https:// in https://127.0.0.1:1/',
  ],
  [
    'a parameter',
    `${http}; export default async () => { await http.request('GET', 'http://127.0.0.1:1/', null, { redirects: 0 }) }`,
    'the parameter of http.request "redirects"',
  ],
  [
    'a form',
    `${http}; export default async () => { await http.request('POST', 'http://127.0.0.1:1/', { a: 1 }) }`,
    'bodies that are not strings',
  ],
  [
    'a range of statuses',
    `${http}; http.expectedStatuses({ min: 200, max: 299 }); ${sleeping}`,
    'http.expectedStatuses with ranges',
  ],
  [
    'a property of a response',
    `${http}; export default async () => { (await http.request('GET', 'http://127.0.0.1:1/')).timings.waiting }`,
    'response.timings',
  ],
  [
    'a request outside of a user',
    `${http}; await http.request('GET', 'http://127.0.0.1:1/'); ${sleeping}`,
    'http.request outside of setup, iterations and teardown',
  ],
  [
    'a call that is not awaited',
    `import { sleep } from 'k6'; export default async () => { sleep(0.01) }`,
    'calls that are not awaited (write "await http.request(...)", "await sleep(...)")',
  ],
  [
    'two calls at a time',
    `import { sleep } from 'k6'; export default async () => { await Promise.all([sleep(0.01), sleep(0.01)]) }`,
    'sleep while another call of the same user goes on',
  ],
])('%s that the runner does not have ends the run with one line that names it', async (_, code, what) => {
  const { errors, exitCode } = await run(code)
  expect({ errors: errors.map((line) => line.replace(/^time="[^"]+" /, '')), exitCode }).toEqual({
    errors: [`level=error msg=${JSON.stringify(`this runner does not have ${what}: run it with k6`)}`],
    exitCode: scriptFailed,
  })
})

test.each<[string, ResponseInit, string]>([
  ['redirects', { status: 302, headers: { Location: '/x' } }, 'redirects'],
  ['cookies', { headers: { 'Set-Cookie': 'a=b' } }, 'cookies'],
  ['compressed responses', { headers: { 'Content-Encoding': 'gzip' } }, 'the Content-Encoding gzip'],
])('%s are refused, because k6 would act on them', async (_, init, what) => {
  using server = serve(() => new Response('x', init))
  const code = `${http}; export default async () => { await http.request('GET', '${server.url}') }`
  const { errors, exitCode } = await run(code)
  expect(errors).toEqual([expect.stringContaining(`this runner does not have ${what}: run it with k6`)])
  expect(exitCode).toBe(scriptFailed)
})

test('a script that is not there, or throws, is told in one line', async () => {
  const spawned = Bun.spawn([process.execPath, join(import.meta.dir, 'index.ts'), 'nowhere.ts'], {
    stderr: 'pipe',
  })
  expect(await new Response(spawned.stderr).text()).toContain('msg="there is no script nowhere.ts"')
  expect(await spawned.exited).toBe(scriptFailed)
  const { errors, exitCode } = await run(`throw new Error('my words'); ${sleeping}`)
  expect(errors).toEqual([expect.stringContaining('level=error msg="my words"')])
  expect(exitCode).toBe(scriptFailed)
})

test('wrong options and flags have the exit code of k6 for them', async () => {
  for (const [code, flags, message] of [
    [
      `export const options = { scenarios: { x: { executor: 'constant-vus' } } }; ${sleeping}`,
      [],
      'duration',
    ],
    [sleeping, ['--vus', 'x'], '--vus takes a whole number'],
  ] as const) {
    const { errors, exitCode } = await run(code, ...flags)
    expect(errors).toEqual([expect.stringContaining(message)])
    expect(exitCode).toBe(104)
  }
})

test('setup runs once before the load and its data goes to iterations and teardown', async () => {
  const { output, exitCode } = await run(`
    import { sleep } from 'k6'
    let setups = 0
    export const setup = () => ({ setups: ++setups })
    export default async (data) => { await sleep(0.005); if (data.setups !== 1) throw new Error() }
    export const teardown = (data) => console.log('torn down', data.setups)
    export const handleSummary = ({ metrics }) => ({ stdout: String(metrics.iterations.values.count > 1) })`)
  expect({ output, exitCode }).toEqual({ output: 'torn down 1\ntrue', exitCode: 0 })
})

test('an iteration that throws is logged and counted, and the load goes on', async () => {
  const { output, errors, exitCode } = await run(`
    import { sleep } from 'k6'
    let turn = 0
    export default async () => { if (++turn === 2) throw new Error('my words'); await sleep(0.001) }
    export const handleSummary = ({ metrics }) => ({ stdout: String(metrics.iterations.values.count > 2) })`)
  expect(errors).toEqual([expect.stringContaining('level=error msg="Error: my words')])
  expect({ output, exitCode }).toEqual({ output: 'true', exitCode: 0 })
})

test('iterations that wait for nothing leave the run its end', async () => {
  const { exitCode } = await run(`export default () => {}`)
  expect(exitCode).toBe(0)
})

test('a setup that throws ends the run before its load', async () => {
  const { output, errors, exitCode } = await run(
    `export const setup = () => { throw new Error('my words') }; ${sleeping}`,
  )
  expect(errors).toEqual([expect.stringContaining('my words')])
  expect({ output, exitCode }).toEqual({ output: '', exitCode: scriptFailed })
})

test('requests are counted with their tags, and failed is what the script does not expect', async () => {
  using server = serve((request) =>
    Response.json({ id: 7 }, { status: request.method === 'GET' ? 200 : 404 }),
  )
  const { output, exitCode } = await run(`
    ${http}
    import { check, sleep } from 'k6'
    import exec from 'k6/execution'
    const ask = (method, params) => http.request(method, '${server.url}', null, params)
    const filters = ['op:a', 'method:GET', 'status:404', 'expected_response:true', 'step:1', 'scenario:x', 'name:${server.url}']
    export const options = {
      scenarios: { x: { executor: 'constant-vus', vus: 1, duration: '10ms' } },
      thresholds: Object.fromEntries(filters.map((filter) => ['http_reqs{' + filter + '}', ['count>=0']])),
    }
    export default async () => {
      exec.vu.metrics.tags.step = '1'
      const response = await ask('GET', { tags: { op: 'a' } })
      check(response, { one: ({ status }) => status === 200, two: (r) => r.json('id') === 7 && r.json().id === 7, three: () => false })
      await ask('PUT', { responseCallback: http.expectedStatuses(404) })
      await ask('PUT')
      await sleep(0.02)
    }
    export const handleSummary = ({ metrics }) => ({ stdout: JSON.stringify({
      counts: Object.values(metrics).map(({ thresholds, values }) => thresholds && values.count).filter(Boolean),
      failed: metrics.http_req_failed.values.passes, checks: metrics.checks.values.passes, all: metrics.http_reqs.values.count,
    }) })`)
  expect(exitCode).toBe(0)
  expect(JSON.parse(output)).toEqual({ counts: [1, 1, 2, 2, 3, 3, 3], failed: 1, checks: 2, all: 3 })
})

test('the summary goes to standard output, to standard error and to files, as the script says', async () => {
  const file = join(folder, 'summary.txt')
  const { output, errors, exitCode } = await run(
    `${sleeping}
    export const handleSummary = () => ({ stdout: 'out', stderr: 'err', ${JSON.stringify(file)}: 'file' })`,
  )
  expect([output, errors, await Bun.file(file).text(), exitCode]).toEqual(['out', ['err'], 'file', 0])
})

test('Ctrl+C while setup waits ends the run before its load', async () => {
  const started = Promise.withResolvers<void>()
  using server = serve(() => {
    started.resolve()
    return new Response()
  })
  const path = join(folder, 'setup.ts')
  await Bun.write(
    path,
    `${http}
    import { sleep } from 'k6'
    export const options = { scenarios: { x: { executor: 'constant-vus', vus: 2, duration: '1h' } } }
    export const setup = async () => { await http.request('GET', '${server.url}'); await sleep(3600) }
    export default () => console.log('loaded')
    export const handleSummary = () => ({ stdout: 'summary' })`,
  )
  const spawned = Bun.spawn([process.execPath, join(import.meta.dir, 'index.ts'), '-q', path], {
    stdout: 'pipe',
    stderr: 'ignore',
  })
  await started.promise
  spawned.kill('SIGINT')
  expect(await spawned.exited).toBe(105)
  expect(await new Response(spawned.stdout).text()).toBe('')
})

test('the connection of setup is closed before the load', async () => {
  let open = 0
  const atLoad: number[] = []
  using listener = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      open: () => void open++,
      close: () => void open--,
      data(socket, bytes) {
        if (bytes.toString().startsWith('GET /load ')) atLoad.push(open)
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
      },
    },
  })
  const url = `http://127.0.0.1:${listener.port}`
  const { exitCode } = await run(`
    ${http}
    import { sleep } from 'k6'
    export const setup = async () => { await http.request('GET', '${url}/setup') }
    export default async () => { await http.request('GET', '${url}/load'); await sleep(0.005) }`)
  expect(exitCode).toBe(0)
  // The two users have one each.
  expect(atLoad.at(-1)).toBe(2)
})

test('Ctrl+C ends the load at once; teardown and the summary follow', async () => {
  using server = serve(() => new Response())
  const started = Promise.withResolvers<void>()
  const listening = serve(() => {
    started.resolve()
    return new Response()
  })
  const path = join(folder, 'long.ts')
  await Bun.write(
    path,
    `${http}
    import { sleep } from 'k6'
    export const options = { scenarios: { x: { executor: 'constant-vus', vus: 2, duration: '1h' } } }
    export default async () => { await http.request('GET', '${listening.url}'); await sleep(3600) }
    export const teardown = async () => { await http.request('GET', '${server.url}'); console.log('torn down') }
    export const handleSummary = ({ metrics }) => ({ stdout: 'iterations: ' + metrics.iterations.values.count })`,
  )
  const spawned = Bun.spawn([process.execPath, join(import.meta.dir, 'index.ts'), '-q', path], {
    stdout: 'pipe',
    stderr: 'pipe',
  })
  await started.promise
  // As under "bun run", where each press comes twice.
  for (let times = 0; times < 2; times++) spawned.kill('SIGINT')
  expect(await new Response(spawned.stdout).text()).toBe('torn down\niterations: 0')
  expect(await new Response(spawned.stderr).text()).toContain('SIGINT: the run is interrupted')
  expect(await spawned.exited).toBe(105)
  listening[Symbol.dispose]()
})
