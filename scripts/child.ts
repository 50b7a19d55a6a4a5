/**
 * One process of the local stack: started in a session of its own, so that Ctrl+C reaches only the launcher, which then
 * stops everything in order; its log lines are passed on under its name.
 */
import { EXIT } from '@bun-monitoring/prefork'
import { linesOf } from '@bun-monitoring/prefork/lines'
import type { Subprocess } from 'bun'
import { formatLine, messageOf } from './log_line.ts'

/** Part of the log line in which our own processes say where they listen. */
const READY_LINE = '"msg":"ready"'

const ASK_AGAIN_AFTER_MS = 100

/** How long another program gets until its URL answers. */
const READY_WITHIN_MS = 30_000

/** Longer than any process's own drain. */
const STOP_WITHIN_MS = 15_000

/** Its last lines come later than its end; a child of its own that outlives it may keep their pipe open. */
const LAST_LINES_WITHIN_MS = 1000

export interface ChildOptions {
  name: string
  command: readonly string[]
  env?: Record<string, string>
  print: (line: string) => void
}

/** A process that ended before it was ready. */
export class NotStarted extends Error {
  override name = 'NotStarted'
  constructor(
    child: string,
    readonly exitCode: number,
    lastWords: string,
  ) {
    // A bad configuration is told in several lines, which were printed already.
    super(`${child} did not start: ${exitCode === EXIT.badConfig ? 'see above' : lastWords}`)
  }
}

export class Child implements AsyncDisposable {
  readonly name: string
  readonly #process: Subprocess<'ignore', 'pipe', 'pipe'>
  readonly #said = Promise.withResolvers<string>()
  readonly #failed = Promise.withResolvers<never>()
  readonly #read: Promise<unknown>
  #lastLine = ''

  constructor({ name, command, env = {}, print }: ChildOptions) {
    this.name = name
    this.#process = Bun.spawn([...command], {
      env: { ...Bun.env, ...env },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      detached: true,
    })
    const onLine = (line: string) => {
      this.#lastLine = line
      if (line.includes(READY_LINE)) this.#said.resolve(line)
      print(`${name.padEnd(10)} | ${formatLine(line)}`)
    }
    const streams = [this.#process.stdout, this.#process.stderr]
    this.#read = Promise.all(streams.map((stream) => forEachLine(stream, onLine)))
    void Promise.all([this.#process.exited, this.#read]).then(([exitCode]) =>
      this.#failed.reject(new NotStarted(name, exitCode, messageOf(this.#lastLine))),
    )
    // Who waits for it to be ready handles this; later nobody waits any more.
    this.#failed.promise.catch(() => {})
  }

  /**
   * The line in which one of our own processes says so. It knows how long to wait for what it needs, such as a database, and
   * says why it gives up. @throws with its last words where it ends first.
   */
  ready(): Promise<string> {
    return Promise.race([this.#said.promise, this.#failed.promise])
  }

  /** For other programs: resolves when the URL answers 200. @throws as `ready`, and when it takes too long. */
  async readyAt(url: string): Promise<void> {
    const late = new Error(`${this.name} was not ready within ${READY_WITHIN_MS / 1000} s: see above`)
    const timer = setTimeout(() => this.#failed.reject(late), READY_WITHIN_MS)
    const over = new AbortController()
    const answered = async () => {
      while (!over.signal.aborted && !(await isOk(url))) await Bun.sleep(ASK_AGAIN_AFTER_MS)
    }
    await Promise.race([answered(), this.#failed.promise]).finally(() => {
      over.abort()
      clearTimeout(timer)
    })
  }

  /** Resolves with the exit code when it ends, for whatever reason. */
  get exited(): Promise<number> {
    return this.#process.exited
  }

  /** As Ctrl+C in a terminal of its own would: it answers what it has, and waits for no balancer to notice. */
  async stop(): Promise<void> {
    this.#process.kill('SIGINT')
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), STOP_WITHIN_MS)
    await this.#process.exited
    clearTimeout(timer)
    await Promise.race([this.#read, Bun.sleep(LAST_LINES_WITHIN_MS)])
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  kill(): void {
    this.#process.kill('SIGKILL')
  }
}

const isOk = (url: string): Promise<boolean> =>
  fetch(url).then(
    ({ ok }) => ok,
    () => false,
  )

async function forEachLine(
  stream: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
): Promise<void> {
  for await (const line of linesOf(stream)) if (line !== '') onLine(line)
}
