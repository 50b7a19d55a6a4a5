/** Starts the cluster of cluster.ts for a test, and reads its stats and metrics. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StatsDocument, WorkerStats } from '../admin/stats_document.ts'
import { childrenOf } from '../shared/procfs.ts'
import { TestProcess } from '../testing.ts'

/** Short times, so that tests are fast. Tests about drains set their own. */
const QUICK = { TOYS_LAME_DUCK_MS: '100', TOYS_DRAIN_MS: '5000' }

/** Below the time limit of a test, so that the error says what was waited for. */
const UNTIL_MS = 110_000

export class Toys extends TestProcess {
  readonly #folder: string

  /** @param app the file in this folder that is started. */
  constructor(
    env: Record<string, string> = {},
    folder = temporaryFolder(),
    app = 'cluster.ts',
    launcher: readonly string[] = [],
  ) {
    super(
      [join(import.meta.dir, app)],
      { ...QUICK, TOY_RELEASE: join(folder, 'release'), ...env },
      { launcher },
    )
    this.#folder = folder
  }

  /** Lets `/slow` respond. */
  release(): Promise<number> {
    return Bun.write(join(this.#folder, 'release'), '')
  }

  async port(): Promise<number> {
    return Number(new URL((await this.ready()).url).port)
  }

  async stats(): Promise<StatsDocument> {
    const { admin } = await this.ready()
    return (await (await fetch(`${admin}/stats`)).json()) as StatsDocument
  }

  /** Resolves with the stats once they fulfil the condition. */
  async until(
    what: string,
    isSo: (stats: StatsDocument) => boolean,
    withinMs = UNTIL_MS,
  ): Promise<StatsDocument> {
    const deadlineMs = performance.now() + withinMs
    for (;;) {
      const stats = await this.stats()
      if (isSo(stats)) return stats
      if (performance.now() > deadlineMs) throw new Error(`${what} took too long: ${JSON.stringify(stats)}`)
      await Bun.sleep(10)
    }
  }

  async pids(): Promise<number[]> {
    return (await this.stats()).workers.map(({ pid }) => pid)
  }

  async worker(id: number): Promise<WorkerStats> {
    return (await this.stats()).workers.find((worker) => worker.id === id)!
  }

  async page(): Promise<string> {
    const { admin } = await this.ready()
    return (await fetch(`${admin}/metrics`)).text()
  }

  /** The number of answered requests on the metrics page. */
  async counted(): Promise<number> {
    return sumOf(await this.page(), 'http_server_request_duration_seconds_count')
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/**
 * A cluster as process 1 of a pid namespace and a mount namespace of its own, as in a container.
 * @param mount options of a tmpfs on /dev/shm; without them /dev/shm is shared with the host.
 */
export class Container extends Toys {
  constructor(env: Record<string, string> = {}, mount?: string, app = 'cluster.ts') {
    const shared = mount === undefined ? '' : `mount -t tmpfs -o ${mount} tmpfs /dev/shm && `
    super(env, temporaryFolder(), app, [
      'unshare',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      'sh',
      '-c',
      `${shared}exec "$@"`,
      'sh',
    ])
  }

  /** The pid of process 1 in the namespace of this process. */
  get first(): number {
    return childrenOf(this.pid)[0]!
  }

  override signal(name: NodeJS.Signals): void {
    process.kill(this.first, name)
  }
}

/** A module with the body of the responses: it stands for the program's code. */
export function codeIn(folder: string) {
  const path = join(folder, 'code.ts')
  return {
    path,
    write: (answer: string) => Bun.write(path, `export const answer = ${JSON.stringify(answer)}\n`),
    break: () => Bun.write(path, `throw new Error('broken on purpose')\n`),
  }
}

/** Resolves when these processes have ended. */
export async function gone(pids: readonly number[]): Promise<void> {
  while (pids.some((pid) => existsSync(`/proc/${pid}`))) await Bun.sleep(10)
}

/** The sum of the samples of a metric on a page. */
export const sumOf = (page: string, name: string): number =>
  page
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)

export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'toys-'))
