/** How a URI is read as a target. */
import { describe, expect, test } from 'bun:test'
import { atAddress, parseTarget } from './target.ts'

const at = (hostname: string, port: number) => ({ hostname, port })

describe('a URI that is a target', () => {
  test.each([
    [
      'http://127.0.0.1:9001/stats',
      { at: at('127.0.0.1', 9001), http: { path: '/stats', host: '127.0.0.1:9001' } },
    ],
    ['http://dogs', { at: at('dogs', 80), http: { path: '/', host: 'dogs' } }],
    ['http://dogs/a?b=c#d', { at: at('dogs', 80), http: { path: '/a?b=c', host: 'dogs' } }],
    ['HTTP://[::1]:1717', { at: at('::1', 1717), http: { path: '/', host: '[::1]:1717' } }],
    ['https://dogs', { at: at('dogs', 443), http: { path: '/', host: 'dogs' }, serverName: 'dogs' }],
    ['https://dogs:1', { at: at('dogs', 1), http: { path: '/', host: 'dogs:1' }, serverName: 'dogs' }],
    ['127.0.0.1:1717', { at: at('127.0.0.1', 1717), http: { path: '/', host: '127.0.0.1:1717' } }],
    ['localhost', { at: at('localhost', 80), http: { path: '/', host: 'localhost' } }],
    ['tcp://127.0.0.1:1717', { at: at('127.0.0.1', 1717) }],
    ['tcp://dogs:1/', { at: at('dogs', 1) }],
    ['tcp://[::1]:1717', { at: at('::1', 1717) }],
    ['unix:///run/stats.sock', { at: { unix: '/run/stats.sock' } }],
    ['unix:/run/stats.sock', { at: { unix: '/run/stats.sock' } }],
    ['unix:@stats', { at: { unix: '@stats' } }],
    ['unix://@stats/a b', { at: { unix: '@stats/a b' } }],
  ])('%s', (uri, expected) => {
    expect(parseTarget(uri)).toEqual({ label: uri, ...expected } as never)
  })
})

describe('a text that is not', () => {
  test.each([
    '',
    'ftp://dogs',
    'file:///stats.json',
    'http://',
    'http://a:x',
    'http://user:secret@dogs/',
    'tcp://dogs',
    'tcp://dogs:0',
    'http://:secret@dogs/',
    'http://user@dogs/',
    'tcp://dogs:1/path',
    'unix://',
    'unix:relative.sock',
    'unix:@',
    'unix://@',
  ])('%j', (uri) => {
    expect(parseTarget(uri)).toBeUndefined()
  })
})

describe('in the label of an address, the address replaces the name', () => {
  test.each([
    ['http://dogs:9001/stats?a=dogs', '10.0.0.1', 'http://10.0.0.1:9001/stats?a=dogs'],
    ['https://dogs/', '10.0.0.1', 'https://10.0.0.1/'],
    ['dogs:1717', '10.0.0.1', '10.0.0.1:1717'],
    ['tcp://dogs:1717', 'fd00::1', 'tcp://[fd00::1]:1717'],
  ])('%s at %s', (uri, address, label) => {
    const target = parseTarget(uri)!
    expect(atAddress(target, address)).toEqual({
      ...target,
      label,
      at: { ...target.at, hostname: address } as never,
    })
  })
})

test('a unix socket has no address', () => {
  const target = parseTarget('unix:///run/stats.sock')!
  expect(atAddress(target, '10.0.0.1')).toEqual(target)
})
