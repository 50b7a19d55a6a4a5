/**
 * One process of the local stack. It is started in a session of its own, so that Ctrl+C reaches only the launcher, which then
 * stops everything in order. Its log lines are printed under its name.
 */
import { EXIT } from '@bun-monitoring/prefork'
import { linesOf } from '@bun-monitoring/prefork/lines'
import type { Subprocess } from 'bun'
import { formatLine, LastWords } from './log_line.ts'

/** Part of the log line in which our own processes say where they listen. */
const READY_LINE = '"msg":"ready"'

const ASK_AGAIN_AFTER_MS = 100

/** The time that another program has until its URL answers. */
const READY_WITHIN_MS = 30_000

/** Longer than the drain of any process. */
const STOP_WITHIN_MS = 15_000

/** The time that a process has to remove its files when it must end at once. */
const QUIT_WITHIN_MS = 3000

/** The last lines of a process are read after its end. If a child of it lives on, the pipe may never end. */
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
    // A process prints the problems of its configuration in several lines, which are above.
    const why = exitCode === EXIT.badConfig ? 'see above' : lastWords.replace(/^\S+ could not start: /, '')
    super(`${child} did not start: ${why}`)
  }
}

export class Child implements AsyncDisposable {
  readonly name: string
  readonly #process: Subprocess<'ignore', 'pipe', 'pipe'>
  readonly #said = Promise.withResolvers<string>()
  readonly #failed = Promise.withResolvers<never>()
  readonly #read: Promise<unknown>
  readonly #lastWords = new LastWords()

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
      this.#lastWords.add(line)
      if (line.includes(READY_LINE)) this.#said.resolve(line)
      for (const row of formatLine(line).split('\n')) print(`${name.padEnd(10)} | ${row}`)
    }
    const streams = [this.#process.stdout, this.#process.stderr]
    this.#read = Promise.all(streams.map((stream) => forEachLine(stream, onLine)))
    void Promise.all([this.#process.exited, this.#read]).then(([exitCode]) =>
      this.#failed.reject(new NotStarted(name, exitCode, this.#lastWords.text)),
    )
    // `ready` and `readyAt` report this rejection. After them nothing awaits it.
    this.#failed.promise.catch(() => {})
  }

  /**
   * Resolves with the line in which one of our own processes says that it is ready. There is no time limit: the process itself decides
   * how long it waits for its database, and says why it gives up. @throws NotStarted with its last line if it ends first
   */
  ready(): Promise<string> {
    return Promise.race([this.#said.promise, this.#failed.promise])
  }

  /** For other programs: resolves when the URL answers 200. @throws as `ready`, and Error when it takes too long */
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

  /** Resolves with the exit code when the process ends. */
  get exited(): Promise<number> {
    return this.#process.exited
  }

  /** Stops the process as Ctrl+C in its own terminal does: it answers the requests in flight, without a lame duck before. */
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

  /** Ends the process at once: it answers no request, but removes its files. */
  kill(): void {
    this.#process.kill('SIGQUIT')
    setTimeout(() => this.#process.kill('SIGKILL'), QUIT_WITHIN_MS).unref()
  }
}

/** Without a proxy of the environment, since every address is one of this machine. */
const isOk = (url: string): Promise<boolean> =>
  fetch(url, { proxy: false }).then(
    ({ ok }) => ok,
    () => false,
  )

async function forEachLine(
  stream: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
): Promise<void> {
  for await (const line of linesOf(stream)) if (line !== '') onLine(line)
}
