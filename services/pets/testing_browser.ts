/** For tests: a page in a real Chromium, used by mouse and keyboard, and checked by axe. PICTURES names a folder for pictures. */
import { join } from 'node:path'
import { Browser, isChromiumExpected } from '@bun-monitoring/prefork/testing_browser'
import axe from 'axe-core'

export const hasChromium = isChromiumExpected('the admin page and the API docs are')

export class PetsBrowser extends Browser {
  readonly #hasScripts: boolean

  /** @param options whether scripts of the page run */
  constructor({ hasScripts }: { hasScripts: boolean }) {
    // No network beyond this machine.
    super('--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.*')
    this.#hasScripts = hasScripts
  }

  override async open(url: string): Promise<void> {
    // There are settings only after a first page.
    await this.view.navigate('about:blank')
    await this.#runScripts(this.#hasScripts)
    await this.view.navigate(url)
  }
  #runScripts = (value: boolean) => this.cdp('Emulation.setScriptExecutionDisabled', { value: !value })
  type = (text: string) => this.view.type(text)
  /** By coordinates: a click on a selector waits for scripts of the page. */
  async click(selector: string): Promise<void> {
    const { x, y } = await this.evaluate<{ x: number; y: number }>(
      `(() => { const element = document.querySelector(${JSON.stringify(selector)}); element.scrollIntoView({ block: 'center' });
        const { x, y, width, height } = element.getBoundingClientRect(); return { x: x + width / 2, y: y + height / 2 } })()`,
    )
    await this.view.click(x, y)
  }
  resize = (width: number, height: number) => this.view.resize(width, height)

  /** Does something that leads to another page, and waits until that shows a text. */
  async leadsTo(text: string, act: () => Promise<unknown>): Promise<void> {
    await act()
    const deadlineMs = performance.now() + 60_000
    for (;;) {
      const now = await this.text().catch(() => '')
      if (now.includes(text)) return
      if (performance.now() > deadlineMs) throw new Error(`${text} is not on the page: ${now}`)
      await Bun.sleep(20)
    }
  }

  /** Moves the focus by Tab until it is on the selector. */
  async tabTo(selector: string): Promise<void> {
    for (let i = 0; i < 60; i++) {
      if (
        await this.evaluate<boolean>(`document.activeElement?.matches(${JSON.stringify(selector)}) ?? false`)
      )
        return
      await this.press('Tab')
    }
    throw new Error(`${selector} cannot be reached by Tab`)
  }

  /** What the Content-Security-Policy of the page refused so far. */
  policyViolations = (): Promise<string[]> =>
    this.evaluate(
      `(() => { const observer = new ReportingObserver(() => {}, { types: ['csp-violation'], buffered: true });
        observer.observe(); return observer.takeRecords().map(({ body }) => body.blockedURL) })()`,
    )

  /** The violations that axe finds, in light and dark, on a large screen and on a phone. */
  async violations(name: string): Promise<string[]> {
    const found: string[] = []
    for (const scheme of ['light', 'dark']) {
      for (const [screen, width, height] of [
        ['large', 1280, 900],
        ['phone', 360, 740],
      ] as const) {
        await this.cdp('Emulation.setEmulatedMedia', {
          features: [{ name: 'prefers-color-scheme', value: scheme }],
        })
        await this.resize(width, height)
        const violations = await this.#axe()
        found.push(
          ...violations.map(({ id, nodes }) => `${name} ${scheme} ${screen}: ${id} ${nodes.join(' ')}`),
        )
        const isWide = await this.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth')
        if (isWide) found.push(`${name} ${scheme} ${screen}: wider than the screen`)
        const folder = Bun.env.PICTURES
        if (folder)
          await Bun.write(join(folder, `${name}_${scheme}_${screen}.png`), await this.view.screenshot())
      }
    }
    await this.resize(1280, 900)
    return found
  }

  /** axe itself needs scripts. Scripts by the debugger's protocol pass the page's Content-Security-Policy. */
  async #axe(): Promise<{ id: string; nodes: string[] }[]> {
    await this.#runScripts(true)
    await this.cdp('Runtime.evaluate', { expression: `globalThis.axe ?? (() => { ${axe.source} })()` })
    const run = `axe.run().then(({ violations }) => JSON.stringify(violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html }) => html) }))))`
    const { result } = (await this.cdp('Runtime.evaluate', { expression: run, awaitPromise: true })) as {
      result: { value: string }
    }
    await this.#runScripts(this.#hasScripts)
    return JSON.parse(result.value)
  }
}
