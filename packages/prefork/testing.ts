/** For tests: real processes of this code base, started, listened to and stopped. */
import type { Subprocess } from 'bun'
import { linesOf } from './lines.ts'
import { childrenOf } from './procfs.ts'

export { isExpected } from '@bun-monitoring/metrics/testing'
export { freePort } from './bind.ts'

export interface LogLine extends Record<string, unknown> {
  msg: string
}

/** A process that logs JSON lines to standard output and says `ready` when it is. */
export class TestProcess implements AsyncDisposable {
  readonly #process: Subprocess<'ignore', 'pipe', 'pipe'>
  readonly #seen: LogLine[] = []
  /** Lines that are no log. */
  readonly printed: string[] = []
  readonly #waiting = new Set<() => void>()
  readonly stderr: Promise<string>
  readonly #ended: Promise<void>

  /** @param env what it gets besides this process's own environment. */
  constructor(command: readonly string[], env: Record<string, string> = {}) {
    this.#process = Bun.spawn([process.execPath, ...command], {
      env: { ...Bun.env, ...env },
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

  /** Resolves with the first log line whose message begins so, also one that was seen before. */
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

  /** All log lines so far whose message begins so. */
  lines(msg: string): LogLine[] {
    return this.#seen.filter((line) => line.msg.startsWith(msg))
  }

  /** Where it listens. */
  async ready(): Promise<{ url: string; admin: string }> {
    return (await this.line('ready')) as unknown as { url: string; admin: string }
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name)
  }

  /** The exit code, or the signal's name where one killed it. */
  async exit(): Promise<number | string> {
    const code = await this.#process.exited
    return this.#process.signalCode ?? code
  }

  /** Its children, too: one that a test has stopped would not notice that it is alone. */
  async [Symbol.asyncDispose](): Promise<void> {
    const children = childrenOf(this.pid)
    this.#process.kill('SIGKILL')
    await this.#process.exited
    for (const pid of children) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It noticed, and is gone.
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
