import { describe, expect, test } from 'bun:test'
import { findRoute, targetOf } from './routes.ts'

const routes = [{ path: '/dogs' }, { path: '/dogs/old' }, { path: '/cats' }]

describe('the longest path prefix on segment borders takes the request', () => {
  test.each([
    ['/dogs', '/dogs'],
    ['/dogs/', '/dogs'],
    ['/dogs/1/', '/dogs'],
    ['/dogs//1', '/dogs'],
    ['/dogs/old', '/dogs/old'],
    ['/dogs/old/1', '/dogs/old'],
    ['/dogs/older', '/dogs'],
    ['/cats/1', '/cats'],
    ['/dogsx', undefined],
    ['/Dogs', undefined],
    ['/dog', undefined],
    ['/', undefined],
    ['/metrics', undefined],
    ['/x/dogs', undefined],
    ['/%64ogs', undefined],
  ])('%s -> %s', (path, route) => expect(findRoute(routes, path)?.path).toBe(route))

  test('whatever order the routes have', () => {
    expect(findRoute(routes.toReversed(), '/dogs/old/1')?.path).toBe('/dogs/old')
  })
})

describe('the target is what follows the host', () => {
  test.each([
    ['http://a/dogs/?limit=1', 'a', '/dogs/', '/dogs/?limit=1'],
    ['http://a/dogs?next=/cats?', 'a', '/dogs', '/dogs?next=/cats?'],
    ['http://a:8000/', 'a:8000', '/', '/'],
    ['/dogs/../cats?x', null, '/cats', '/cats?x'],
  ])('%s', (url, host, path, pathAndQuery) => expect(targetOf(url, host)).toEqual({ path, pathAndQuery }))
})

describe('there is no target', () => {
  test.each([
    ['in an invalid Host', '/dogs', 'b@d/x'],
    ['in two Hosts', 'http://a/dogs', 'a, b'],
    ['in CONNECT', 'a:1', 'a'],
    ['in CONNECT without a Host', 'a:1', null],
  ])('%s', (_, url, host) => expect(targetOf(url, host)).toBeUndefined())
})
