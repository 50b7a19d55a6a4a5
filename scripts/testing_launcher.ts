/** Test helper. `bun run up` or `bun run dev` in a session of its own, as in a terminal of its own. */
const LIMIT_MS = 60_000
const LOOK_AGAIN_AFTER_MS = 20

export interface LauncherOptions {
  script: 'up' | 'dev'
  /** The folder of the checkout. */
  cwd: string
  env?: Record<string, string>
  args?: readonly string[]
}

export class Launcher {
  readonly #process
  readonly #read: Promise<unknown>
  /** What it has printed; a test may empty it. */
  output = ''

  constructor({ script, cwd, env = {}, args = [] }: LauncherOptions) {
    this.#process = Bun.spawn([process.execPath, 'run', script, ...args], {
      cwd,
      env: { ...Bun.env, ...env },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      detached: true,
    })
    const streams = [this.#process.stdout, this.#process.stderr]
    this.#read = Promise.all(streams.map((stream) => this.#collect(stream)))
  }

  /** Resolves when the output has the text. @throws Error with the output if it does not come */
  async says(text: string): Promise<void> {
    const deadlineMs = performance.now() + LIMIT_MS
    while (!this.output.includes(text)) {
      if (performance.now() > deadlineMs) throw new Error(`no "${text}" in:\n${this.output}`)
      await Bun.sleep(LOOK_AGAIN_AFTER_MS)
    }
  }

  /** Signals its process group, as a terminal does: SIGINT at Ctrl+C, SIGHUP when its window is closed. */
  signal(name: 'SIGINT' | 'SIGHUP'): void {
    if (this.#process.exitCode === null) process.kill(-this.#process.pid, name)
  }

  async exit(): Promise<number> {
    await this.#read
    return this.#process.exited
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder()
    for await (const chunk of stream) this.output += decoder.decode(chunk, { stream: true })
  }
}
