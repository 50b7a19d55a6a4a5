/**
 * The admin page in a real Chromium without JavaScript: by mouse and by keyboard, and axe finds no violation on any page, in
 * light and dark, on a large screen and a phone. PICTURES names a folder for pictures of them.
 */
import { describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { isExpected } from '@bun-monitoring/prefork/testing'
import axe from 'axe-core'
import { dogs, temporaryDatabase } from '../testing.ts'
import { account, PASSWORD } from './testing_account.ts'

const SLOW_MS = 120_000
const chromium = Bun.which('chromium') ?? Bun.which('google-chrome')
const isChromiumExpected = isExpected(
  chromium !== null,
  'chromium is not on PATH, so the admin page is not tested',
)

class Browser implements AsyncDisposable {
  readonly #view = new Bun.WebView({
    width: 1280,
    height: 900,
    backend: {
      type: 'chrome',
      url: false,
      path: chromium!,
      argv: ['--no-sandbox', '--disable-dev-shm-usage'],
    },
  })

  /** Scripts of the page are off, as in a browser without JavaScript. */
  async open(url: string): Promise<void> {
    await this.#view.navigate(url)
    await this.cdp('Emulation.setScriptExecutionDisabled', { value: true })
  }
  evaluate = <T>(script: string): Promise<T> => this.#view.evaluate<T>(script)
  text = (): Promise<string> => this.evaluate('document.body.innerText')
  cdp = (method: string, params: Record<string, unknown>) => this.#view.cdp(method, params)
  press = (key: string) => this.#view.press(key)
  type = (text: string) => this.#view.type(text)
  /** By coordinates: a click on a selector waits for scripts of the page. */
  async click(selector: string): Promise<void> {
    const { x, y } = await this.evaluate<{ x: number; y: number }>(
      `(() => { const element = document.querySelector(${JSON.stringify(selector)}); element.scrollIntoView({ block: 'center' });
        const { x, y, width, height } = element.getBoundingClientRect(); return { x: x + width / 2, y: y + height / 2 } })()`,
    )
    await this.#view.click(x, y)
  }
  resize = (width: number, height: number) => this.#view.resize(width, height)

  /** Does something that leads to another page, and waits until that shows a text. */
  async leadsTo(text: string, act: () => Promise<unknown>): Promise<void> {
    await act()
    const deadlineMs = performance.now() + 20_000
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
          await Bun.write(join(folder, `${name}_${scheme}_${screen}.png`), await this.#view.screenshot())
      }
    }
    await this.resize(1280, 900)
    return found
  }

  /** axe itself needs scripts. Scripts by the debugger's protocol pass the page's Content-Security-Policy. */
  async #axe(): Promise<{ id: string; nodes: string[] }[]> {
    await this.cdp('Emulation.setScriptExecutionDisabled', { value: false })
    await this.cdp('Runtime.evaluate', { expression: `globalThis.axe ?? (() => { ${axe.source} })()` })
    const run = `axe.run().then(({ violations }) => JSON.stringify(violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html }) => html) }))))`
    const { result } = (await this.cdp('Runtime.evaluate', { expression: run, awaitPromise: true })) as {
      result: { value: string }
    }
    await this.cdp('Emulation.setScriptExecutionDisabled', { value: true })
    return JSON.parse(result.value)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#view.close()
    Bun.WebView.closeAll()
  }
}

describe.skipIf(!isChromiumExpected)('the admin page', () => {
  test(
    'is usable without JavaScript, by keyboard, and accessible on every page',
    async () => {
      await using database = temporaryDatabase()
      await using service = dogs({
        DOGS_WORKERS: '2',
        DOGS_ADMIN_PASSWORD_HASH: account.passwordHash,
        ...database.env,
      })
      const { url } = await service.ready()
      await database.query(
        `INSERT INTO dogs (name, breed, is_test) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60) SELECT 'dog ' || i, 'Affenpinscher', i % 2 FROM n`,
      )
      await using browser = new Browser()
      const violations: string[] = []

      await browser.leadsTo('Log in', () => browser.open(`${url}/dogs/admin/`))
      violations.push(...(await browser.violations('login')))
      await browser.tabTo('#user')
      await browser.type('admin')
      await browser.tabTo('#password')
      await browser.type('wrong')
      await browser.leadsTo('The user or the password is wrong.', () => browser.press('Enter'))
      await browser.tabTo('#password')
      await browser.type(PASSWORD)
      await browser.leadsTo('60 dogs', () => browser.press('Enter'))
      violations.push(...(await browser.violations('list')))

      await browser.tabTo('a.button')
      await browser.leadsTo('Add a dog', () => browser.press('Enter'))
      await browser.tabTo('#breed')
      await browser.type('Pug')
      await browser.leadsTo('Nothing was saved', () => browser.press('Enter'))
      expect(await browser.text()).toContain('must be a string of 1 to 128 characters')
      violations.push(...(await browser.violations('errors')))
      await browser.tabTo('#name')
      await browser.type('Rex')
      await browser.tabTo('#likes_to_bark')
      await browser.press('Space')
      await browser.leadsTo('The row was created.', () => browser.press('Enter'))
      expect(await database.query('SELECT name, breed, likes_to_bark FROM dogs WHERE id = 61')).toEqual([
        { name: 'Rex', breed: 'Pug', likes_to_bark: 1 },
      ])

      await browser.click('#q')
      await browser.type('rex')
      await browser.leadsTo('Show all', () => browser.press('Enter'))
      await browser.leadsTo('Change dog 61', () => browser.click('tbody th a'))
      violations.push(...(await browser.violations('change')))
      await browser.leadsTo('Delete dog 61?', () => browser.click('a.danger'))
      violations.push(...(await browser.violations('delete')))
      await browser.leadsTo('Deleted: 1 dogs.', () => browser.click('button.danger'))
      await browser.leadsTo('Page 2 of 2', () => browser.click('.pages a'))
      await browser.leadsTo('Log in', () => browser.click('button.link'))
      expect(violations).toEqual([])
      expect(service.lines('admin').map(({ action }) => action)).toEqual(
        expect.arrayContaining(['refused log-in', 'log in', 'create', 'delete']),
      )
    },
    SLOW_MS,
  )
})
