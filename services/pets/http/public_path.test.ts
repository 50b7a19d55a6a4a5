/** The path under which a proxy serves the service: which are taken, where they appear, and that none leads elsewhere. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { account, PASSWORD } from '../admin/testing_account.ts'
import { serviceConfig } from '../config.ts'
import { openPets, temporaryDatabase, testKind } from '../testing.ts'
import { publicPathOf, readPrefix } from './public_path.ts'

test.each([
  ['/pets', '/pets'],
  ['/pets/', '/pets'],
  ['/a/b/c', '/a/b/c'],
  ['/outer, /inner', '/outer/inner'],
  ['/outer/,/inner/', '/outer/inner'],
  ['/a%20b/%C3%A4', '/a%20b/%C3%A4'],
  ['/a$&b', '/a$&b'],
  ['/v1.2/~me/.well-known/...', '/v1.2/~me/.well-known/...'],
  ['/', ''],
  ['', ''],
])('%j is %j', (field, path) => {
  expect(readPrefix(field)).toBe(path)
})

const HOSTILE = [
  '//evil.example',
  '/pets//evil.example',
  '/pets/, //evil.example',
  '\\\\evil.example',
  '/\\evil.example',
  'https://evil.example',
  'evil.example',
  'javascript:alert(1)',
  '/"><script>alert(1)</script>',
  "/'onload='x",
  '/a b',
  '/a?x',
  '/a#x',
  '/a;Domain=evil.example',
  '/..',
  '/a/../b',
  '/a/.',
  '/%2e%2E/b',
  '/.%2e',
  '/%',
  '/%zz',
  '/ä',
]

test.each(HOSTILE)('%j is ignored', (field) => {
  expect(readPrefix(field)).toBe('')
})

test('the setting wins over the field', () => {
  const request = new Request('http://localhost/', { headers: { 'X-Forwarded-Prefix': '/field' } })
  expect(publicPathOf('/setting/')(request)).toBe('/setting')
  expect(publicPathOf('/')(request)).toBe('')
  expect(publicPathOf(undefined)(request)).toBe('/field')
  expect(publicPathOf(undefined)(new Request('http://localhost/'))).toBe('')
})

describe('in responses', async () => {
  const pets = await openPets(temporaryDatabase(), { admin: account })
  afterAll(() => pets[Symbol.asyncDispose]())
  beforeAll(async () => {
    for (const name of ['a', 'b', 'c']) await pets.send('POST', '/dogs/', { name, breed: 'Pug' })
  })
  const ask = (path: string, prefix: string, init: RequestInit = {}) =>
    pets.ask(path, { ...init, headers: { 'X-Forwarded-Prefix': prefix, ...init.headers } })
  const body = JSON.stringify({ name: 'x', breed: 'y', is_test: true })
  const logIn = (prefix: string) =>
    ask('/dogs/admin/login', prefix, {
      method: 'POST',
      body: new URLSearchParams({ user: 'admin', password: PASSWORD }),
    })

  test('Location, Link, the document, redirects and the cookie begin with the path', async () => {
    const created = await ask('/dogs/', '/a$&b', { method: 'POST', body })
    expect(created.headers.get('location')).toMatch(/^\/a\$&b\/dogs\/\d+\/$/)
    const page = await ask('/dogs/?limit=1&after=1', '/a$&b')
    expect(page.headers.get('link')).toBe(
      '</a$&b/dogs/?limit=1&after=2>; rel="next", </a$&b/dogs/?limit=1&before=2>; rel="prev"',
    )
    expect(await (await ask('/dogs/swagger/json', '/pets')).json()).toMatchObject({
      servers: [{ url: '/pets' }],
    })
    expect(await (await ask('/dogs/swagger', '/pets')).text()).toContain('src="/pets/dogs/swagger/script.js"')
    const away = await ask('/dogs/admin/', '/pets')
    expect(away.headers.get('location')).toBe('/pets/dogs/admin/login')
    const logged = await logIn('/pets')
    expect(logged.headers.get('location')).toBe('/pets/dogs/admin/')
    expect(logged.headers.get('set-cookie')).toContain('; Path=/pets/dogs/admin/; ')
    const html = await (
      await ask('/dogs/admin/', '/a$&b', { headers: { cookie: logged.headers.get('set-cookie')! } })
    ).text()
    expect(html).toContain('href="/a$&amp;b/dogs/admin/add"')
    expect(html).toContain('href="/a$&amp;b/dogs/swagger"')
  })

  test('a list has one tag under every path, and a 304 its links', async () => {
    const plain = await pets.ask('/dogs/?limit=1')
    const etag = plain.headers.get('etag')!
    expect(plain.headers.get('link')).toStartWith('</dogs/')
    const prefixed = await ask('/dogs/?limit=1', '/pets', { headers: { 'If-None-Match': etag } })
    expect(prefixed.status).toBe(304)
    expect(prefixed.headers.get('link')).toStartWith('</pets/dogs/')
    // The field of one client does not stay in the cached page.
    expect((await pets.ask('/dogs/?limit=1')).headers.get('link')).toStartWith('</dogs/')
    expect(await (await pets.ask('/dogs/swagger')).text()).toContain('src="/dogs/swagger/script.js"')
  })

  test.each(HOSTILE.filter((field) => /^[\x20-\x7e]*$/.test(field)))('%j changes nothing', async (field) => {
    const created = await ask('/dogs/', field, { method: 'POST', body })
    expect(created.headers.get('location')).toStartWith('/dogs/')
    expect((await ask('/dogs/?limit=1', field)).headers.get('link')).toStartWith('</dogs/')
    expect((await ask('/dogs/admin/', field)).headers.get('location')).toBe('/dogs/admin/login')
    for (const path of ['/dogs/swagger', '/dogs/admin/login']) {
      expect(await (await ask(path, field)).text()).toBe(await (await pets.ask(path)).text())
    }
  })

  test('the setting is checked at the start', async () => {
    const configured = (path: string) => serviceConfig(testKind, { DOGS_PUBLIC_PATH: path }).publicPath
    expect(configured('/pets/')).toBe('/pets/')
    for (const path of ['pets', '//evil', '/a/../b', '/a"b', '/%2e']) {
      expect(() => configured(path)).toThrow('DOGS_PUBLIC_PATH')
    }
  })
})
