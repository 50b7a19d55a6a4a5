/** How a host name becomes targets. */
import { describe, expect, spyOn, test } from 'bun:test'
import { parseTarget } from '../config/target.ts'
import { lookUp, resolve } from './resolve.ts'

const at = (hostname: string, port: number) => ({ hostname, port })

describe('a name', () => {
  const target = parseTarget('http://dogs:9001/stats')!
  const found =
    (...addresses: string[]) =>
    async () =>
      addresses.map((address) => ({ address, family: 4 }))
  const labels = async (lookup: () => Promise<{ address: string; family: number }[]>) =>
    (await resolve(target, lookup, true)).map(({ label }) => label)

  test('with several addresses is one target for each, in their order', async () => {
    expect(await labels(found('10.0.0.2', '10.0.0.1', '10.0.0.2'))).toEqual([
      'http://10.0.0.1:9001/stats',
      'http://10.0.0.2:9001/stats',
    ])
  })

  test('with one address keeps its label only if asked to, and stays in the Host header', async () => {
    const resolved = { ...target, at: at('10.0.0.1', 9001) }
    expect(await resolve(target, found('10.0.0.1'), true)).toEqual([resolved])
    expect(await resolve(target, found('10.0.0.1'), false)).toEqual([
      { ...resolved, label: 'http://10.0.0.1:9001/stats' },
    ])
  })

  test.each([
    ['no address', found()],
    ['a failing lookup', () => Promise.reject(new Error('ENOTFOUND'))],
  ])('with %s is a problem', async (_, lookup) => {
    await expect(resolve(target, lookup, true)).rejects.toThrow('its host name has no address')
  })

  test('that is an address or a path is not looked up', async () => {
    const never = () => Promise.reject(new Error('looked up'))
    for (const uri of ['http://127.0.0.1:1/', 'tcp://[::1]:1', 'unix:///run/s']) {
      expect(await resolve(parseTarget(uri)!, never, false)).toEqual([parseTarget(uri)!])
    }
  })
})

test.each([
  [
    ['::1', '127.0.0.1', '127.0.0.2'],
    ['127.0.0.1', '127.0.0.2'],
  ],
  [['::1'], ['::1']],
])('of the addresses %j of the system the exporter reads %j', async (all, read) => {
  const found = all.map((address) => ({ address, family: address.includes(':') ? 6 : 4, ttl: 0 }))
  using _ = spyOn(Bun.dns, 'lookup').mockResolvedValue(found as never)
  expect((await lookUp('dogs')).map(({ address }) => address)).toEqual(read)
})
