/** For tests: starts real processes of this code base, reads their log, and stops them. */
import type { Subprocess } from 'bun'
import { linesOf } from './shared/split_lines.ts'
import { childrenOf } from './shared/procfs.ts'

export { isExpected } from '@bun-monitoring/metrics/testing'
export { freePort } from './shared/bind.ts'

/** How long the rest of the output of a process that has ended by itself may take. */
const OUTPUT_TIMEOUT_MS = 10_000

export interface LogLine extends Record<string, unknown> {
  msg: string
}

/** A process that logs JSON lines to standard output, among them `ready`. */
export class TestProcess implements AsyncDisposable {
  readonly #process: Subprocess<'ignore', 'pipe', 'pipe'>
  readonly #seen: LogLine[] = []
  /** Lines of standard output that are no log lines. */
  readonly printed: string[] = []
  readonly #waiting = new Set<() => void>()
  readonly stderr: Promise<string>
  readonly #ended: Promise<void>

  /**
   * @param command the arguments of Bun
   * @param env added to this process's environment
   * @param launcher a program that runs Bun, with its arguments
   */
  constructor(
    command: readonly string[],
    env: Record<string, string> = {},
    { cwd = process.cwd(), launcher = [] }: { cwd?: string; launcher?: readonly string[] } = {},
  ) {
    this.#process = Bun.spawn([...launcher, process.execPath, ...command], {
      env: { ...Bun.env, ...env },
      cwd,
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    })
    this.stderr = new Response(this.#process.stderr).text()
    this.#ended = this.#read()
  }

  get pid(): number {
    return this.#process.pid
  }

  /** Resolves with the first log line whose message starts with `msg`, also if it was logged before the call. */
  async line(msg: string): Promise<LogLine> {
    let hasEnded = false
    void this.#ended.then(() => {
      hasEnded = true
      this.#wake()
    })
    for (;;) {
      const found = this.#seen.find((line) => line.msg.startsWith(msg))
      if (found) return found
      if (hasEnded)
        throw new Error(
          `it ended without saying "${msg}": ${JSON.stringify(this.#seen)} ${await this.stderr}`,
        )
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  /** All log lines so far whose message starts with `msg`. */
  lines(msg: string): LogLine[] {
    return this.#seen.filter((line) => line.msg.startsWith(msg))
  }

  /** The URLs of the process, once it is ready. */
  async ready(): Promise<{ url: string; admin: string }> {
    return (await this.line('ready')) as unknown as { url: string; admin: string }
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name)
  }

  /** The exit code, or the name of the signal that killed the process. */
  async exit(): Promise<number | string> {
    const code = await this.#process.exited
    // The children of a killed process hold its output open.
    if (this.#process.signalCode !== null) return this.#process.signalCode
    // Its last lines may come after its end.
    await Promise.race([this.#ended, Bun.sleep(OUTPUT_TIMEOUT_MS)])
    return code
  }

  /** Kills the children, too: a child that a test has stopped (SIGSTOP) does not notice the death of its parent. */
  async [Symbol.asyncDispose](): Promise<void> {
    const children = childrenOf(this.pid)
    this.#process.kill('SIGKILL')
    await this.#process.exited
    for (const pid of children) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended.
      }
    }
  }

  async #read(): Promise<void> {
    for await (const line of linesOf(this.#process.stdout)) {
      if (line.startsWith('{')) this.#seen.push(JSON.parse(line) as LogLine)
      else this.printed.push(line)
      this.#wake()
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }
}
