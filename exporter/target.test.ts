/** URIs in, targets out. */
import { describe, expect, test } from 'bun:test'
import { resolve } from './resolve.ts'
import { atAddress, parseTarget } from './target.ts'

const at = (hostname: string, port: number) => ({ hostname, port })

describe('what can be read', () => {
  test.each([
    [
      'http://127.0.0.1:9001/stats',
      { at: at('127.0.0.1', 9001), http: { path: '/stats', host: '127.0.0.1:9001' } },
    ],
    ['http://dogs', { at: at('dogs', 80), http: { path: '/', host: 'dogs' } }],
    ['http://dogs/a?b=c#d', { at: at('dogs', 80), http: { path: '/a?b=c', host: 'dogs' } }],
    ['HTTP://[::1]:1717', { at: at('::1', 1717), http: { path: '/', host: '[::1]:1717' } }],
    ['https://dogs:1', { at: at('dogs', 1), http: { path: '/', host: 'dogs:1' }, serverName: 'dogs' }],
    ['127.0.0.1:1717', { at: at('127.0.0.1', 1717), http: { path: '/', host: '127.0.0.1:1717' } }],
    ['localhost', { at: at('localhost', 80), http: { path: '/', host: 'localhost' } }],
    ['tcp://127.0.0.1:1717', { at: at('127.0.0.1', 1717) }],
    ['tcp://[::1]:1717', { at: at('::1', 1717) }],
    ['unix:///run/stats.sock', { at: { unix: '/run/stats.sock' } }],
    ['unix:/run/stats.sock', { at: { unix: '/run/stats.sock' } }],
  ])('%s', (uri, expected) => {
    expect(parseTarget(uri)).toEqual({ label: uri, ...expected } as never)
  })
})

describe('what cannot', () => {
  test.each([
    '',
    'ftp://dogs',
    'file:///stats.json',
    'http://',
    'http://a:x',
    'http://user:secret@dogs/',
    'tcp://dogs',
    'tcp://dogs:1/path',
    'unix://',
    'unix:relative.sock',
  ])('%j', (uri) => {
    expect(parseTarget(uri)).toBeUndefined()
  })
})

describe('at an address, the label has the address in place of the name', () => {
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

describe('a name', () => {
  const target = parseTarget('http://dogs:9001/stats')!
  const answer =
    (...addresses: string[]) =>
    async () =>
      addresses.map((address) => ({ address, family: 4 }))
  const labels = async (lookup: () => Promise<{ address: string; family: number }[]>) =>
    (await resolve(target, lookup, true)).map(({ label }) => label)

  test('with several addresses is a target for each, in their order', async () => {
    expect(await labels(answer('10.0.0.2', '10.0.0.1', '10.0.0.2'))).toEqual([
      'http://10.0.0.1:9001/stats',
      'http://10.0.0.2:9001/stats',
    ])
  })

  test('with one address keeps its label only where it is to, and is asked for by its name', async () => {
    const resolved = { ...target, at: at('10.0.0.1', 9001) }
    expect(await resolve(target, answer('10.0.0.1'), true)).toEqual([resolved])
    expect(await resolve(target, answer('10.0.0.1'), false)).toEqual([
      { ...resolved, label: 'http://10.0.0.1:9001/stats' },
    ])
  })

  test.each([
    ['no address', answer()],
    ['no answer', () => Promise.reject(new Error('ENOTFOUND'))],
  ])('with %s is a problem', (_, lookup) => {
    expect(resolve(target, lookup, true)).rejects.toThrow('its host name has no address')
  })

  test('that is an address, or no name at all, is not asked for', async () => {
    const never = () => Promise.reject(new Error('asked'))
    for (const uri of ['http://127.0.0.1:1/', 'tcp://[::1]:1', 'unix:///run/s']) {
      expect(await resolve(parseTarget(uri)!, never, false)).toEqual([parseTarget(uri)!])
    }
  })
})
