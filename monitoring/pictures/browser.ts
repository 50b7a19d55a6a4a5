/** Drives a headless Chromium over the DevTools protocol. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const program = Bun.which('chromium') ?? Bun.which('chromium-browser') ?? Bun.which('google-chrome')
const ASK_AGAIN_AFTER_MS = 50

type Answer = { id?: number; result?: any; error?: { message: string }; method?: string; params?: any }

export class Browser implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'chromium-'))
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  /** Exceptions and errors on the console of the pages. */
  readonly errors: string[] = []
  #process: Bun.Subprocess | undefined
  #socket: WebSocket | undefined
  #lastId = 0

  /** @throws when there is no Chromium */
  static async start(): Promise<Browser> {
    if (program === null) throw new Error('chromium is not on PATH')
    const browser = new Browser()
    await browser.#start(program)
    return browser
  }

  /** Opens a page of this width and runs a script before its own. */
  async open(url: string, width: number, script: string): Promise<void> {
    await this.#call('Emulation.setDeviceMetricsOverride', {
      width,
      height: 900,
      deviceScaleFactor: 1,
      mobile: false,
    })
    const { identifier } = await this.#call('Page.addScriptToEvaluateOnNewDocument', { source: script })
    await this.#call('Page.navigate', { url })
    await this.until('document.readyState === "complete"')
    await this.#call('Page.removeScriptToEvaluateOnNewDocument', { identifier })
  }

  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.#call('Runtime.evaluate', {
      expression,
      returnByValue: true,
      awaitPromise: true,
    })
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
    return result.value as T
  }

  async until(condition: string, withinMs = 30_000): Promise<void> {
    const deadlineMs = performance.now() + withinMs
    while (!(await this.evaluate<boolean>(condition))) {
      if (performance.now() > deadlineMs)
        throw new Error(`${condition} does not hold: ${this.errors.join('\n')}`)
      await Bun.sleep(ASK_AGAIN_AFTER_MS)
    }
  }

  /** The whole page as PNG. */
  async picture(): Promise<Buffer> {
    const { data } = await this.#call('Page.captureScreenshot', {
      format: 'png',
      captureBeyondViewport: true,
    })
    return Buffer.from(data, 'base64')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket?.close()
    this.#process?.kill()
    await this.#process?.exited
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #start(path: string): Promise<void> {
    const flags = [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--hide-scrollbars',
      '--remote-debugging-port=0',
      `--user-data-dir=${this.#folder}`,
      'about:blank',
    ]
    const running = Bun.spawn([path, ...flags], { stdout: 'ignore', stderr: 'pipe' })
    this.#process = running
    const port = await portOf(running.stderr)
    const pages = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
      type: string
      webSocketDebuggerUrl: string
    }[]
    this.#socket = new WebSocket(pages.find(({ type }) => type === 'page')!.webSocketDebuggerUrl)
    this.#socket.addEventListener('message', ({ data }) =>
      this.#receive(JSON.parse(data as string) as Answer),
    )
    await new Promise((resolve) => this.#socket!.addEventListener('open', resolve))
    for (const domain of ['Page', 'Runtime']) await this.#call(`${domain}.enable`)
  }

  #receive(answer: Answer): void {
    if (answer.id !== undefined) this.#waiting.get(answer.id)?.(answer)
    if (answer.method === 'Runtime.exceptionThrown')
      this.errors.push(answer.params.exceptionDetails.exception?.description)
  }

  async #call(method: string, params: object = {}): Promise<any> {
    const id = ++this.#lastId
    const { error, result } = await new Promise<Answer>((resolve) => {
      this.#waiting.set(id, resolve)
      this.#socket!.send(JSON.stringify({ id, method, params }))
    })
    this.#waiting.delete(id)
    if (error) throw new Error(`${method}: ${error.message}`)
    return result
  }
}

/** Chromium prints the address of its DevTools when it is ready. */
async function portOf(stderr: ReadableStream<Uint8Array>): Promise<string> {
  let printed = ''
  for await (const chunk of stderr) {
    printed += new TextDecoder().decode(chunk)
    const [, port] = /ws:\/\/127\.0\.0\.1:(\d+)\//.exec(printed) ?? []
    if (port !== undefined) return port
  }
  throw new Error(`chromium ended: ${printed}`)
}
