/** For tests: a page in a real Chromium. */
import { isExpected } from './testing.ts'

const chromium = Bun.which('chromium') ?? Bun.which('google-chrome')

/** @param untested what no test looks at without Chromium: `the live page is` */
export const isChromiumExpected = (untested: string): boolean =>
  isExpected(chromium !== null, `chromium is not on PATH, so ${untested} not tested`)

export class Browser implements AsyncDisposable {
  /** The errors that the console showed. */
  readonly complaints: string[] = []
  protected readonly view: Bun.WebView

  /** @param flags of Chromium */
  constructor(...flags: string[]) {
    this.view = new Bun.WebView({
      width: 1280,
      height: 900,
      backend: {
        type: 'chrome',
        url: false,
        path: chromium!,
        argv: ['--no-sandbox', '--disable-dev-shm-usage', ...flags],
      },
      console: (kind, ...words) => void (kind === 'error' && this.complaints.push(words.join(' '))),
    })
  }

  open(url: string): Promise<void> {
    return this.view.navigate(url)
  }
  evaluate = <T>(script: string): Promise<T> => this.view.evaluate<T>(script)
  text = (): Promise<string> => this.evaluate('document.body.innerText')
  cdp = (method: string, params: Record<string, unknown>) => this.view.cdp(method, params)
  press = (key: string) => this.view.press(key)

  /** Waits for a condition, which is checked at each frame. */
  async until(script: string): Promise<void> {
    await this.evaluate(
      `new Promise((resolve) => { const look = () => (${script}) ? resolve(true) : requestAnimationFrame(look); look() })`,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.view.close()
    Bun.WebView.closeAll()
  }
}
