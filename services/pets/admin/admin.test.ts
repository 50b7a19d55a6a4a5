/** The admin page without a browser: log-in, sessions, forms and their refusals, the same on both databases. */
import { afterAll, beforeEach, describe, expect, spyOn, test } from 'bun:test'
import { rmSync } from 'node:fs'
import { dogs, linesOf, openPets, temporaryDatabase, testDatabases } from '../testing.ts'
import { SESSION_MS, Sessions } from './sessions.ts'
import { account, PASSWORD } from './testing_account.ts'

const unescaped = (html: string) =>
  html.replaceAll('&#39;', "'").replaceAll('&quot;', '"').replaceAll('&amp;', '&')

const tagOf = (html: string) => unescaped(/name="etag" value="([^"]+)"/.exec(html)![1]!)

describe.each(testDatabases)('on %s', async (_, create) => {
  const { log, lines } = linesOf('info')
  const pets = await openPets(await create(), { admin: account, log, bodyBytes: 100_000 })
  const { ask, database } = pets
  afterAll(() => pets[Symbol.asyncDispose]())
  beforeEach(() => database.query('DELETE FROM dogs'))

  const send = (
    path: string,
    fields: Record<string, string | string[]>,
    headers: Record<string, string> = {},
  ) => {
    const form = new URLSearchParams(
      Object.entries(fields).flatMap(([name, value]) => [value].flat().map((each) => [name, each])),
    )
    return ask(`/dogs/admin/${path}`, { method: 'POST', body: form, headers })
  }
  const logIn = async () => {
    const response = await send('login', { user: 'admin', password: PASSWORD })
    const cookie = response.headers.get('set-cookie')!.split(';')[0]!
    const csrf = /name="csrf" value="([^"]+)"/.exec(
      await (await ask('/dogs/admin/', { headers: { cookie } })).text(),
    )![1]!
    return {
      see: async (path: string) => (await ask(`/dogs/admin/${path}`, { headers: { cookie } })).text(),
      do: (path: string, fields: Record<string, string | string[]>) =>
        send(path, { csrf, ...fields }, { cookie }),
      cookie,
      csrf,
    }
  }
  const rows = async () => (await (await ask('/dogs/')).json()) as { id: number; name: string }[]
  const admin = await logIn()

  test('without a session every page leads to the log-in, and every form changes nothing', async () => {
    await pets.send('POST', '/dogs/', { name: 'Rex', breed: 'Pug' })
    const { id } = (await rows())[0]!
    for (const path of ['', 'add', `${id}/`, `${id}/delete`]) {
      const response = await ask(`/dogs/admin/${path}`)
      expect(response.status).toBe(303)
      expect(response.headers.get('location')).toBe('/dogs/admin/login')
    }
    const forms: [path: string, fields: Record<string, string>][] = [
      ['add', { name: 'x', breed: 'y' }],
      [`${id}/`, { name: 'x', breed: 'y' }],
      ['actions', { action: 'delete', confirmed: 'true', id: String(id) }],
    ]
    for (const [path, fields] of forms) {
      expect((await send(path, fields)).headers.get('location')).toBe('/dogs/admin/login')
      const forged = `${admin.cookie.slice(0, -2)}xx`
      expect((await send(path, fields, { cookie: forged })).headers.get('location')).toBe('/dogs/admin/login')
      expect((await send(path, fields, { cookie: admin.cookie })).status).toBe(403)
      expect((await send(path, { csrf: 'x', ...fields }, { cookie: admin.cookie })).status).toBe(403)
      const headers = { cookie: admin.cookie, Host: 'pets.example', Origin: 'https://evil.example' }
      expect((await send(path, { csrf: admin.csrf, ...fields }, headers)).status).toBe(403)
    }
    expect(await rows()).toEqual([expect.objectContaining({ id, name: 'Rex' })])
  })

  test('each field of the form has its name as label, and that of a test row says when it is deleted', async () => {
    const labels = [...(await admin.see('add')).matchAll(/<label for="(\w+)">([^<]*)/g)]
    expect(labels.map(([, name, label]) => [name, label])).toEqual([
      ['name', 'Name'],
      ['breed', 'Breed'],
      ['likes_to_bark', 'Likes to bark'],
      ['is_test', 'Test row, deleted by /clean/'],
    ])
  })

  test('a row is created, changed and deleted, and each write is logged with its user', async () => {
    lines.length = 0
    const created = await admin.do('add', { name: 'Rex', breed: 'Pug', likes_to_bark: 'on' })
    expect(created.headers.get('location')).toBe('/dogs/admin/?done=created&count=1')
    const { id } = (await rows())[0]!
    const tag = tagOf(await admin.see(`${id}/`))
    expect((await admin.do(`${id}/`, { name: 'Max', breed: 'Pug', is_test: 'on', etag: tag })).status).toBe(
      303,
    )
    expect(await (await ask(`/dogs/${id}/`)).json()).toEqual({
      id,
      name: 'Max',
      breed: 'Pug',
      likes_to_bark: false,
      is_test: true,
    })
    expect(await admin.see(`${id}/delete`)).toContain(`Delete dog ${id}?`)
    const deleted = await admin.do('actions', { action: 'delete', confirmed: 'true', id: String(id) })
    expect(deleted.headers.get('location')).toBe('/dogs/admin/?done=deleted&count=1')
    expect(await rows()).toEqual([])
    expect(lines.filter(({ msg }) => msg === 'admin')).toEqual(
      ['create', 'change', 'delete'].map((action) =>
        expect.objectContaining({
          user: 'admin',
          action,
          model: 'dogs',
          ids: [id],
          request_id: expect.any(String),
        }),
      ),
    )
  })

  test('a change of a row that was changed meanwhile is refused, and can be repeated', async () => {
    await admin.do('add', { name: 'Rex', breed: 'Pug' })
    const { id } = (await rows())[0]!
    const etag = tagOf(await admin.see(`${id}/`))
    await pets.send('PUT', `/dogs/${id}/`, { name: 'by another', breed: 'Pug' })
    const refused = await admin.do(`${id}/`, { name: 'mine', breed: 'Pug', etag })
    expect(refused.status).toBe(409)
    const html = await refused.text()
    expect(html).toContain('another user has changed the row meanwhile')
    expect(html).toContain('value="mine"')
    expect((await rows())[0]!.name).toBe('by another')
    await admin.do(`${id}/`, { name: 'mine', breed: 'Pug', etag: tagOf(html) })
    expect((await rows())[0]!.name).toBe('mine')
  })

  describe('a row that another client changes between the read and the write of an action', () => {
    /** Another client changes each row as soon as it was read. */
    const raced = () => {
      const find = pets.store.find.bind(pets.store)
      return spyOn(pets.store, 'find').mockImplementation(async (id) => {
        const pet = await find(id)
        await database.query(`UPDATE dogs SET name = 'by another' WHERE id = ${id}`)
        return pet
      })
    }
    const create = async () => {
      await admin.do('add', { name: 'Rex', breed: 'Pug' })
      return (await rows())[0]!
    }

    test('keeps that change', async () => {
      const { id } = await create()
      const etag = tagOf(await admin.see(`${id}/`))
      using _ = raced()
      expect((await admin.do(`${id}/`, { name: 'mine', breed: 'Pug', etag })).status).toBe(409)
      expect(await rows()).toEqual([expect.objectContaining({ id, name: 'by another' })])
    })

    test('is not counted when many are marked', async () => {
      const { id } = await create()
      using _ = raced()
      const marked = await admin.do('actions', { action: 'mark', id: String(id) })
      expect(marked.headers.get('location')).toBe('/dogs/admin/?done=marked&count=0')
      expect(await rows()).toEqual([expect.objectContaining({ id, name: 'by another', is_test: false })])
    })
  })

  test('errors stand beside their fields, and the input stays', async () => {
    const response = await admin.do('add', { name: '', breed: 'x'.repeat(129) })
    expect(response.status).toBe(422)
    const html = await response.text()
    for (const field of ['name', 'breed']) {
      expect(html).toContain(`id="${field}-error"`)
      expect(html).toContain(`aria-describedby="${field}-error"`)
      expect(html).toContain(`<a href="#${field}">`)
    }
    expect(html).toContain('must be a string of 1 to 128 characters without NUL')
    expect(html).toContain(`value="${'x'.repeat(129)}"`)
    expect(await rows()).toEqual([])
  })

  test('what rows contain is text, never markup', async () => {
    const evil = `"><script>alert('1')</script>&amp;`
    await admin.do('add', { name: evil, breed: evil })
    const { id, name } = (await rows())[0]!
    expect(name).toBe(evil)
    for (const path of ['', `${id}/`, `${id}/delete`, `?q=${encodeURIComponent(evil)}`, `?done=${evil}`]) {
      expect(await admin.see(path)).not.toContain('<script')
    }
  })

  test('acting on many asks before it deletes, and marks rows as test', async () => {
    for (const name of ['a', 'b', 'c']) await admin.do('add', { name, breed: 'Pug' })
    const ids = (await rows()).map(({ id }) => String(id))
    const asked = await admin.do('actions', { action: 'delete', id: ids.slice(0, 2) })
    expect(await asked.text()).toContain('Delete 2 dogs?')
    expect(await rows()).toHaveLength(3)
    await admin.do('actions', { action: 'mark', id: ids.slice(0, 2) })
    expect(await (await ask('/dogs/?is_test=true')).json()).toHaveLength(2)
    await admin.do('actions', { action: 'unmark', id: ids.slice(1) })
    expect(await (await ask('/dogs/?is_test=true')).json()).toHaveLength(1)
    const deleted = await admin.do('actions', {
      action: 'delete',
      confirmed: 'true',
      id: [...ids, '4711', 'x'],
    })
    expect(deleted.headers.get('location')).toBe('/dogs/admin/?done=deleted&count=3')
    expect((await admin.do('actions', { action: 'delete' })).headers.get('location')).toBe('/dogs/admin/')
  })

  test('a page has 50 rows, and an action changes no more', async () => {
    const values = Array.from({ length: 51 }, (_, i) => `('${i}', 'Pug')`)
    await database.query(`INSERT INTO dogs (name, breed) VALUES ${values.join(', ')}`)
    const ids = (await rows()).map(({ id }) => String(id))
    const marked = await admin.do('actions', { action: 'mark', id: ids })
    expect(marked.headers.get('location')).toBe('/dogs/admin/?done=marked&count=50')
    expect(await (await ask('/dogs/?is_test=false')).json()).toMatchObject([{ id: Number(ids[50]) }])
    expect(await admin.see('')).toContain('Page 1 of 2')
    await pets.ask(`/dogs/${ids[50]}/`, { method: 'DELETE' })
    expect(await admin.see('')).not.toContain('Page 1')
  })

  test('the list searches, filters, sorts and has pages', async () => {
    await database.query(
      `INSERT INTO dogs (name, breed) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120) SELECT CAST(i AS text), 'Pug' FROM n`,
    )
    await pets.send('POST', '/dogs/', { name: 'Ärger', breed: 'Corgi', is_test: true })
    const namesOn = async (query: string) =>
      [...(await admin.see(query)).matchAll(/<th scope="row"><a [^>]+>([^<]+)</g)].map(([, name]) => name)
    expect(await admin.see('')).toContain('121 dogs')
    expect(await namesOn('')).toHaveLength(50)
    expect(await namesOn('?page=3')).toHaveLength(21)
    expect(await namesOn('?page=9')).toEqual([])
    const pagesOn = async (query: string) =>
      [...(await admin.see(query)).matchAll(/<a href="\/dogs\/admin\/\?([^"]*)">(Previous|Next)</g)].map(
        ([, to, name]) => `${name} ${to}`,
      )
    expect(await pagesOn('')).toEqual(['Next page=2'])
    expect(await pagesOn('?page=2')).toEqual(['Previous ', 'Next page=3'])
    expect(await pagesOn('?page=3')).toEqual(['Previous page=2'])
    expect(await pagesOn('?page=9')).toEqual(['Previous page=3'])
    expect((await namesOn('?sort=name')).slice(0, 4)).toEqual(['1', '10', '100', '101'])
    expect((await namesOn('?sort=-name')).slice(0, 3)).toEqual(['Ärger', '99', '98'])
    expect((await namesOn('?sort=-id')).slice(0, 2)).toEqual(['Ärger', '120'])
    expect(await namesOn('?sort=id%3BDROP')).toEqual(await namesOn(''))
    expect(await namesOn('?q=12')).toEqual(['12', '112', '120'])
    expect(await namesOn('?q=CORGI')).toEqual(['Ärger'])
    expect(await namesOn('?is_test=true')).toEqual(['Ärger'])
    expect(await namesOn('?q=nothing')).toEqual([])
    expect(await admin.see('?is_test=true')).toContain('1 dog<')
    const sortedBy = async (query: string) =>
      [
        ...(await admin.see(query)).matchAll(/<th scope="col"[^>]*>\s*<a href="[^"]*\?(?:sort=)?([^"&]*)"/g),
      ].map(([, sort]) => sort)
    // A column that is sorted in ascending order leads to the descending one, and any other to the ascending.
    expect(await sortedBy('?sort=name')).toEqual(['', '-name', 'breed', 'likes_to_bark', 'is_test'])
    expect(await sortedBy('?sort=-name')).toEqual(['', 'name', 'breed', 'likes_to_bark', 'is_test'])
    expect(await sortedBy('')).toEqual(['-id', 'name', 'breed', 'likes_to_bark', 'is_test'])
    for (const query of ['?q=x', '?is_test=true']) expect(await admin.see(query)).toContain('Show all')
    for (const query of ['', '?sort=name', '?page=2'])
      expect(await admin.see(query)).not.toContain('Show all')
  })

  test('a row that does not exist is 404', async () => {
    for (const path of ['4711/', 'x/', '4711/delete']) {
      expect((await ask(`/dogs/admin/${path}`, { headers: { cookie: admin.cookie } })).status).toBe(404)
    }
    expect((await admin.do('4711/', { name: 'x', breed: 'y', etag: '' })).status).toBe(404)
  })

  test('pages are not cached, not framed and run no scripts; the cookie is for this page alone', async () => {
    const { headers } = await ask('/dogs/admin/', { headers: { cookie: admin.cookie } })
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(headers.get('x-frame-options')).toBe('DENY')
    const cookie = (await send('login', { user: 'admin', password: PASSWORD })).headers.get('set-cookie')!
    expect(cookie).toMatch(/^dogs_admin=.+; Path=\/dogs\/admin\/; HttpOnly; SameSite=Strict; Max-Age=28800$/)
    const secure = await send(
      'login',
      { user: 'admin', password: PASSWORD },
      { 'X-Forwarded-Proto': 'https' },
    )
    expect(secure.headers.get('set-cookie')).toEndWith('; Secure')
    const ended = await admin.do('logout', {})
    expect(ended.headers.get('set-cookie')).toContain('Max-Age=0')
  })

  test('a wrong password or user is 401 and logged without the password', async () => {
    lines.length = 0
    for (const fields of [
      { user: 'admin', password: 'wrong' },
      { user: 'root', password: PASSWORD },
      { user: 'admin', password: '' },
      {},
    ]) {
      const response = await send('login', fields as Record<string, string>)
      expect(response.status).toBe(401)
      expect(response.headers.get('set-cookie')).toBeNull()
    }
    expect(JSON.stringify(lines)).not.toContain(PASSWORD)
    expect(lines.filter(({ action }) => action === 'refused log-in')).toHaveLength(4)
    expect((await send('login', { user: 'admin', password: PASSWORD })).status).toBe(303)
    expect(lines.at(-1)).toMatchObject({ user: 'admin', action: 'log in' })
  })
})

describe('sessions', () => {
  const open = () => {
    const clock = { ms: 1_800_000_000_000 }
    return { clock, sessions: new Sessions(account, 'dogs_admin', () => clock.ms) }
  }
  const cookieOf = async (sessions: Sessions) => {
    const result = await sessions.logIn('admin', PASSWORD, '/dogs/admin/', false)
    return (result as { cookie: string }).cookie.split(';')[0]!
  }

  test('end after eight hours, to the millisecond', async () => {
    const { clock, sessions } = open()
    const cookie = `other=1; ${await cookieOf(sessions)}`
    clock.ms += SESSION_MS - 1
    expect(sessions.read(cookie)?.user).toBe('admin')
    clock.ms += 1
    expect(sessions.read(cookie)).toBeUndefined()
  })

  test('are not valid if any part of the cookie is changed, nor under another password', async () => {
    const { sessions } = open()
    const [name, value] = (await cookieOf(sessions)).split('=') as [string, string]
    const [expires, nonce, signature] = value.split('.') as [string, string, string]
    for (const forged of [
      `${Number(expires) + 1}.${nonce}.${signature}`,
      `${expires}.x${nonce}.${signature}`,
      `${expires}.${nonce}.x${signature}`,
      `${expires}.${nonce}.`,
      '',
    ]) {
      expect(sessions.read(`${name}=${forged}`)).toBeUndefined()
    }
    const other = new Sessions({ ...account, passwordHash: 'other' }, 'dogs_admin', () => 0)
    expect(other.read(`${name}=${value}`)).toBeUndefined()
    expect(sessions.read(null)).toBeUndefined()
  })

  test('guesses are slowed down, more with each one, and not for longer than a minute', async () => {
    const { clock, sessions } = open()
    const guess = (password = 'wrong') => sessions.logIn('admin', password, '/dogs/admin/', false)
    for (let i = 0; i < 5; i++) expect(await guess()).toBeUndefined()
    expect(await guess()).toEqual({ retryAfterSeconds: 1 })
    expect(await guess(PASSWORD)).toEqual({ retryAfterSeconds: 1 })
    let last = 1
    for (let i = 0; i < 10; i++) {
      clock.ms += last * 1000
      expect(await guess()).toBeUndefined()
      const { retryAfterSeconds } = (await guess()) as { retryAfterSeconds: number }
      expect(retryAfterSeconds).toBe(Math.min(last * 2, 60))
      last = retryAfterSeconds
    }
    clock.ms += 60_000
    expect(await guess(PASSWORD)).toHaveProperty('cookie')
    // A log-in that succeeds ends the row of failures.
    for (let i = 0; i < 5; i++) expect(await guess()).toBeUndefined()
    expect(await guess()).toEqual({ retryAfterSeconds: 1 })
  })

  test('an unknown user costs a check of the password, too: the time does not tell who exists', async () => {
    const { sessions } = open()
    using verify = spyOn(Bun.password, 'verify')
    await sessions.logIn('root', PASSWORD, '/dogs/admin/', false)
    expect(verify).toHaveBeenCalledTimes(1)
  })

  test('four passwords may wait to be checked, one after the other', async () => {
    const { sessions } = open()
    let [checks, most] = [0, 0]
    using _ = spyOn(Bun.password, 'verify').mockImplementation(async () => {
      most = Math.max(most, ++checks)
      await new Promise(setImmediate)
      checks--
      return true
    })
    const results = await Promise.all(
      Array.from({ length: 10 }, () => sessions.logIn('admin', PASSWORD, '/dogs/admin/', false)),
    )
    expect(results.filter((result) => result && 'cookie' in result)).toHaveLength(4)
    expect(results.filter((result) => result && 'retryAfterSeconds' in result)).toHaveLength(6)
    expect(most).toBe(1)
  })
})

test('too many failed log-ins are a page with 429 and Retry-After', async () => {
  await using pets = await openPets(temporaryDatabase(), { admin: account })
  const logIn = (password: string) =>
    pets.ask('/dogs/admin/login', { method: 'POST', body: new URLSearchParams({ user: 'admin', password }) })
  const statuses = []
  for (let i = 0; i < 5; i++) statuses.push((await logIn('wrong')).status)
  expect(statuses).toEqual([401, 401, 401, 401, 401])
  const response = await logIn(PASSWORD)
  expect([response.status, response.headers.get('retry-after')]).toEqual([429, '1'])
  expect(response.headers.get('set-cookie')).toBeNull()
  expect(await response.text()).toContain('Too many log-ins failed. Try again in 1 s.')
})

test('an outage of the database is a page with 503 and Retry-After', async () => {
  await using database = temporaryDatabase()
  await using pets = await openPets(database, { admin: account })
  const form = (fields: Record<string, string>) => ({ method: 'POST', body: new URLSearchParams(fields) })
  const logIn = await pets.ask('/dogs/admin/login', form({ user: 'admin', password: PASSWORD }))
  const cookie = logIn.headers.get('set-cookie')!.split(';')[0]!
  const csrf = new Sessions(account, 'dogs_admin').read(cookie)!.csrf
  rmSync(database.path)
  const request = { ...form({ csrf, name: 'Rex', breed: 'Pug' }), headers: { cookie } }
  const response = await pets.ask('/dogs/admin/add', request)
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
  expect(await response.text()).toContain('The database file is gone')
})

test('an empty password is wrong, also where the password is a space', async () => {
  const passwordHash = await Bun.password.hash(' ', { algorithm: 'argon2id', memoryCost: 8, timeCost: 1 })
  const sessions = new Sessions({ user: 'admin', passwordHash }, 'dogs_admin')
  expect(await sessions.logIn('admin', '', '/', false)).toBeUndefined()
  expect(await sessions.logIn('admin', ' ', '/', false)).toHaveProperty('cookie')
})

test('without a password there is no admin page', async () => {
  await using pets = await openPets(temporaryDatabase())
  expect((await pets.ask('/dogs/admin/')).status).toBe(404)
  expect((await pets.ask('/dogs/admin/login', { method: 'POST' })).status).toBe(404)
})

test('a hash that is none ends the start with exit code 2, without the value', async () => {
  await using service = dogs({ DOGS_ADMIN_PASSWORD_HASH: 'my secret' })
  expect(await service.exit()).toBe(2)
  const stderr = await service.stderr
  expect(stderr).toContain('DOGS_ADMIN_PASSWORD_HASH is not allowed: must be an argon2id hash')
  expect(stderr).not.toContain('my secret')
})
