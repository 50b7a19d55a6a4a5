import { expect, test } from 'bun:test'
import { readGatewayConfig } from '../config/settings.ts'
import { METHODS } from '../http1/methods.ts'
import { findRoute, type Route, sortRoutes } from './route.ts'
import { compileRoutes } from './route_table.ts'

const route = (id: string, path: string, rest: Partial<Route> = {}): Route => ({
  id,
  host: '',
  path: Buffer.from(path),
  methods: undefined,
  forward: undefined,
  reply: undefined,
  bodyBytes: 0,
  accessLog: 'off',
  ...rest,
})

const ROUTES = sortRoutes([
  route('all', ''),
  route('dogs', '/dogs'),
  route('puppies', '/dogs/puppies'),
  route('shop', '/dogs', { host: 'shop.example' }),
  route('read', '/cats', { methods: ['GET'] }),
  route('shop cats', '/cats', { host: 'shop.example', methods: ['GET'] }),
  route('other cats', '/cats', { host: 'other.example', methods: ['GET'] }),
  route('shop cats, write', '/cats', { host: 'shop.example', methods: ['PUT'] }),
  route('write', '/cats', { methods: ['POST', 'PUT'] }),
])

const find = (path: string, host = 'a', method: (typeof METHODS)[number] = 'GET') => {
  const found = findRoute(ROUTES, host, Buffer.from(path), 0, path.length, METHODS.indexOf(method))
  return Array.isArray(found) ? found : found?.id
}

test.each([
  ['/dogs', 'dogs'],
  ['/dogs/', 'dogs'],
  ['/dogs/1', 'dogs'],
  ['/dogsx', 'all'],
  ['/dog', 'all'],
  ['/dogs/puppies/1', 'puppies'],
  ['/dogs/puppiesx', 'dogs'],
  ['/', 'all'],
])('the longest path wins, on whole segments: %s', (path, id) => expect(find(path)).toBe(id))

test('a route with a host comes before routes without one, even longer ones', () => {
  expect(find('/dogs/puppies', 'shop.example')).toBe('shop')
  expect(find('/cats', 'shop.example')).toBe('shop cats')
  expect(find('/cats', 'shop.example', 'PUT')).toBe('shop cats, write')
  // A method that none of the host's routes takes does not go to a route for all hosts.
  expect(find('/cats', 'shop.example', 'POST')).toEqual(['GET', 'PUT'])
})

test.each([
  ['a.example', 'exact'],
  ['b.example', 'wide'],
  ['c.b.example', 'wide'],
  ['x.sub.example', 'deep'],
  ['example', 'none'],
  ['aexample', 'none'],
  ['.example', 'none'],
])('of host %s takes %s: exact names come first, then longer wildcards', (host, id) => {
  const routes = compileRoutes(
    [
      { id: 'none', path: '/a', upstream: 'u' },
      { id: 'wide', path: '/a', hosts: ['*.Example'], upstream: 'u' },
      { id: 'deep', path: '/', hosts: ['other', '*.sub.example.'], upstream: 'u' },
      { id: 'exact', path: '/', host: 'A.example', upstream: 'u' },
    ],
    readGatewayConfig({}),
    { table: undefined, onLimited() {} },
  )
  const found = findRoute(routes, host, Buffer.from('/a'), 0, 2, 0)
  expect((found as Route).id).toBe(id)
})

test('routes of one path may divide the methods, and no route of a shorter path takes the others', () => {
  expect(find('/cats', 'a', 'GET')).toBe('read')
  expect(find('/cats', 'a', 'PUT')).toBe('write')
  expect(find('/cats', 'a', 'DELETE')).toEqual(['GET', 'POST', 'PUT'])
})

test('a path that no route covers has no route', () => {
  expect(findRoute([route('dogs', '/dogs')], '', Buffer.from('/'), 0, 1, 0)).toBeUndefined()
})
