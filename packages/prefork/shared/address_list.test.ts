import { describe, expect, test } from 'bun:test'
import { AddressList } from './address_list.ts'

const listOf = (...texts: string[]) => {
  const list = new AddressList()
  expect(texts.map((text) => list.add(text))).toEqual(texts.map(() => true))
  return list
}

describe.each<[string, string[], string[]]>([
  ['10.0.0.1', ['10.0.0.1', '::ffff:10.0.0.1', '::FFFF:10.0.0.1'], ['10.0.0.0', '10.0.0.2', '::1']],
  ['10.0.0.0/8', ['10.0.0.0', '10.255.255.255', '::ffff:10.1.2.3'], ['9.255.255.255', '11.0.0.0']],
  ['10.1.2.3/8', ['10.0.0.0', '10.255.255.255'], ['9.255.255.255', '11.0.0.0']],
  ['192.168.4.0/23', ['192.168.4.0', '192.168.5.255'], ['192.168.3.255', '192.168.6.0']],
  ['10.0.0.1/32', ['10.0.0.1'], ['10.0.0.0', '10.0.0.2']],
  ['0.0.0.0/0', ['0.0.0.0', '255.255.255.255'], ['::1']],
  ['::1', ['::1', '0:0:0:0:0:0:0:1'], ['::2', '127.0.0.1']],
  ['fd00::/8', ['fd00::', 'fdff:ffff::1'], ['fcff::', 'fe00::']],
  ['::/0', ['::1', 'ffff::'], ['10.0.0.1']],
])('%s', (text, inside, outside) => {
  test.each(inside)('holds %s', (address) => expect(listOf(text).has(address)).toBe(true))
  test.each(outside)('does not hold %s', (address) => expect(listOf(text).has(address)).toBe(false))
})

test('a list holds what any of its entries holds', () => {
  const list = listOf('10.0.0.1', '192.168.0.0/16', 'fd00::/8')
  expect(['10.0.0.1', '192.168.7.7', 'fd00::1', '10.0.0.2'].map((each) => list.has(each))).toEqual([
    true,
    true,
    true,
    false,
  ])
})

test.each([
  '',
  'dogs',
  '10.0.0',
  '10.0.0.1.2',
  '10.0.0.256',
  '10.0.0.0/',
  '10.0.0.0/33',
  '10.0.0.0/-1',
  '10.0.0.0/8.5',
  '10.0.0.0/1e1',
  '10.0.0.0/0x8',
  '10.0.0.0/ 8',
  '10.0.0.0/8/8',
  '::/129',
  '[::1]',
  'fe80::1%eth0',
  ' 10.0.0.1',
])('%j is neither an address nor a network', (text) => {
  const list = new AddressList()
  expect(list.add(text)).toBe(false)
  expect(list.has('10.0.0.1')).toBe(false)
})

test.each(['', 'unknown', 'localhost', '10.0.0.1:80'])('%j is in no list', (address) =>
  expect(listOf('0.0.0.0/0', '::/0').has(address)).toBe(false),
)
