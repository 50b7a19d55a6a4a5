/** The API docs in a real Chromium that reaches no other machine. */
import { describe, expect, test } from 'bun:test'
import { dogs, temporaryDatabase } from '../../testing.ts'
import { hasChromium, PetsBrowser } from '../../testing_browser.ts'

const SLOW_MS = 300_000

describe.skipIf(!hasChromium)('the page of the API docs', () => {
  test(
    'shows the operations and sends requests, without other servers, and without a complaint of the browser',
    async () => {
      await using database = temporaryDatabase()
      await using service = dogs({ DOGS_WORKERS: '0', ...database.env })
      const { url } = await service.ready()
      await using browser = new PetsBrowser({ hasScripts: true })
      await browser.leadsTo('The API of dogs', () => browser.open(`${url}/dogs/swagger`))
      for (const text of ['Create a dog', 'List dogs by id', 'Delete a dog', 'NewDog']) {
        expect(await browser.text()).toContain(text)
      }

      await browser.click('#create summary')
      await browser.leadsTo('201 Created', () => browser.click('#create button'))
      expect(await browser.text()).toContain('location: /dogs/1/')
      expect(await database.query('SELECT name, breed FROM dogs')).toEqual([{ name: 'name', breed: 'breed' }])
      await browser.click('#create summary')

      // By keyboard, with a parameter in the path.
      await browser.tabTo('#read summary')
      await browser.press('Enter')
      await browser.tabTo('#read-id')
      await browser.type('1')
      await browser.leadsTo('"breed": "breed"', () => browser.press('Enter'))
      await browser.click('#read summary')

      await browser.click('#list summary')
      await browser.click('#list-name')
      await browser.type('Rex & co')
      await browser.leadsTo('200 OK', () => browser.click('#list button'))
      expect(await browser.evaluate<string>('document.querySelector("#list pre").innerText')).toEndWith('[]')

      const urls = await browser.evaluate<string[]>(
        'performance.getEntriesByType("resource").map(({ name }) => name)',
      )
      expect(new Set(urls.map((each) => new URL(each).origin))).toEqual(new Set([new URL(url).origin]))
      expect(urls).toContain(`${url}/dogs/?name=Rex+%26+co`)
      expect(await browser.policyViolations()).toEqual([])
      expect(browser.complaints).toEqual([])
      expect(await browser.violations('docs')).toEqual([])
    },
    SLOW_MS,
  )

  test(
    'can be read without JavaScript, and shows no form then',
    async () => {
      await using database = temporaryDatabase()
      await using service = dogs({ DOGS_WORKERS: '0', ...database.env })
      const { url } = await service.ready()
      await using browser = new PetsBrowser({ hasScripts: false })
      await browser.leadsTo('The API of dogs', () => browser.open(`${url}/dogs/swagger`))
      await browser.click('#create summary')
      expect(await browser.text()).toContain('text, 1 to 128 characters')
      expect(await browser.text()).not.toContain('Try it')
    },
    SLOW_MS,
  )
})
