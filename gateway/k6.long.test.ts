/**
 * The mix of the load test on both services through the gateway, while their workers are killed and hang, and while a
 * whole service is killed. Only requests that are not idempotent fail.
 */
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { eventually, type ServiceName, Stack } from './testdata/stack.ts'

const USERS = 60
/** Longer than any run: an interrupt ends it. */
const DURATION = '10m'
const INTERRUPTED = 105
const KILL_EVERY_MS = 500
const KILLS = 30
/** More than all deadlines in it. */
const TEST_MS = 300_000

interface Request {
  method: string
  status: number
  atMs: number
}

test.each<[string, (stack: Stack) => Promise<void>, posts: number[]]>([
  [
    `a worker is killed every ${KILL_EVERY_MS} ms`,
    async (stack) => {
      for (let kill = 0; kill < KILLS; kill++) {
        const next = Bun.sleep(KILL_EVERY_MS)
        const service = stack.service(kill % 2 === 0 ? 'dogs' : 'cats')
        stack.kill((await stack.workersOf(service))[(kill >> 1) % 2]!)
        await next
      }
    },
    // The gateway cannot tell whether a worker that died had carried out the request.
    [502],
  ],
  [
    'a worker of each service hangs for a while',
    async (stack) => {
      for (const name of ['dogs', 'cats'] as const) await hang(stack, name)
    },
    [],
  ],
  [
    'a whole service is killed and started anew',
    async (stack) => {
      await stack.service()[Symbol.asyncDispose]()
      await stack.startService('dogs')
    },
    [502],
  ],
])(
  '%s: no idempotent request fails',
  async (_, fault, posts) => {
    await using stack = await Stack.start(['dogs', 'cats'])
    await using load = new Load(stack.url, join(stack.folder.path, 'requests.json'))
    await load.goesOnUntil(Date.now() + WARM_UP_MS)
    await fault(stack)
    const wellMs = Date.now() + RECOVERED_AFTER_MS
    await load.goesOnUntil(wellMs + RECOVERED_AFTER_MS)
    const { exitCode, output, requests } = await load.end()
    expect({ exitCode, output }).toEqual({ exitCode: INTERRUPTED, output })

    const failed = requests.filter(({ status }) => status === 0 || status >= 500)
    console.log(`${requests.length} requests, ${failed.length} failed`)
    // A service sends 503 for a write while a hung worker locks its database, and the gateway sends 503 for a request that may
    // not wait for a worker.
    const isDocumented = ({ method, status }: Request) =>
      (method !== 'GET' && status === 503) || (method === 'POST' && posts.includes(status))
    expect(failed.filter((request) => !isDocumented(request))).toEqual([])
    expect(failed.filter(({ atMs, status }) => atMs > wellMs && status !== 503)).toEqual([])
  },
  TEST_MS,
)

const WARM_UP_MS = 1000
const RECOVERED_AFTER_MS = 2000

/** Stops a worker until it is ejected, and lets it go on. */
async function hang(stack: Stack, name: ServiceName): Promise<void> {
  const [pid] = await stack.workersOf(stack.service(name))
  process.kill(pid!, 'SIGSTOP')
  await eventually(`a worker of ${name} is ejected`, async () => (await stack.ejected(name)) > 0)
  process.kill(pid!, 'SIGCONT')
}

/** The load test, until it is interrupted, and each of its requests. */
class Load implements AsyncDisposable {
  readonly #process
  readonly #output: Promise<string>

  constructor(
    url: string,
    readonly report: string,
  ) {
    const runner = join(import.meta.dir, '../k6/runner/index.ts')
    const flags = ['--quiet', '--no-thresholds', '--vus', `${USERS}`, '--duration', DURATION]
    const settings = ['-e', `BASE_URL=${url}`, '-e', 'SUMMARY=/dev/null', '--out', `json=${report}`]
    this.#process = Bun.spawn([process.execPath, runner, ...flags, ...settings], {
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const { stdout, stderr } = this.#process
    this.#output = Promise.all([new Response(stdout).text(), new Response(stderr).text()]).then(String)
  }

  /** Resolves once a response came after this time. */
  async goesOnUntil(ms: number): Promise<void> {
    await eventually('the load goes on', async () => (await this.#requests()).some(({ atMs }) => atMs > ms))
  }

  /** Interrupts it. Requests without a response by then are left out. */
  async end() {
    const endedMs = Date.now()
    this.#process.kill('SIGINT')
    const exitCode = await this.#process.exited
    const requests = (await this.#requests()).filter(({ atMs }) => atMs < endedMs)
    return { exitCode, output: await this.#output, requests }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#process.exited
  }

  /** The requests in its file of points, as far as it is written. */
  async #requests(): Promise<Request[]> {
    const file = Bun.file(this.report)
    if (!(await file.exists())) return []
    const lines = (await file.text()).split('\n').slice(0, -1)
    return lines
      .filter((line) => line.includes('"metric":"http_reqs"') && line.includes('"Point"'))
      .map((line) => {
        const { time, tags } = JSON.parse(line).data
        return { method: tags.method, status: Number(tags.status), atMs: Date.parse(time) }
      })
  }
}
