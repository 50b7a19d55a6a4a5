/**
 * The admin page in a real Chromium without JavaScript: by mouse and by keyboard, and axe finds no violation on any page, in
 * light and dark, on a large screen and a phone. PICTURES names a folder for pictures of them.
 */
import { describe, expect, test } from 'bun:test'
import { dogs, temporaryDatabase } from '../testing.ts'
import { hasChromium, PetsBrowser } from '../testing_browser.ts'
import { account, PASSWORD } from './testing_account.ts'

const SLOW_MS = 300_000
describe.skipIf(!hasChromium)('the admin page', () => {
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
      await using browser = new PetsBrowser({ hasScripts: false })
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
      const actions = () => service.lines('admin').map(({ action }) => action)
      // A page may be read before the line that was written earlier.
      while (!actions().includes('delete')) await Bun.sleep(10)
      expect(actions()).toEqual(expect.arrayContaining(['refused log-in', 'log in', 'create', 'delete']))
    },
    SLOW_MS,
  )
})
