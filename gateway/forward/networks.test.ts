import { expect, test } from 'bun:test'
import { Networks, plainAddress } from './networks.ts'

test.each([
  ['10.0.0.1', '10.0.0.1'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['::FFFF:a00:1', '10.0.0.1'],
  ['0:0:0:0:0:ffff:203.0.113.255', '203.0.113.255'],
  ['::ffff:0:0', '0.0.0.0'],
  ['::10.0.0.1', '::10.0.0.1'],
  ['2001:db8::ffff:a00:1', '2001:db8::ffff:a00:1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['unknown', 'unknown'],
  ['', ''],
])('the plain address of %s is %s', (address, plain) => expect(plainAddress(address)).toBe(plain))

test.each([
  ['10.0.0.0/8', '::ffff:10.1.2.3', true],
  ['10.0.0.0/8', '::ffff:b01:203', false],
  ['::ffff:10.0.0.0/104', '10.255.0.1', true],
  ['::ffff:10.0.0.0/104', '::ffff:a01:1', true],
  ['::ffff:10.0.0.0/104', '11.0.0.1', false],
  ['::ffff:10.0.0.1', '10.0.0.1', true],
  ['::ffff:10.0.0.1', '10.0.0.2', false],
  ['::ffff:0:0/96', '8.8.8.8', true],
  ['::/0', '8.8.8.8', false],
  ['::/0', '2001:db8::1', true],
  ['0.0.0.0/0', '::ffff:8.8.8.8', true],
  ['0.0.0.0/0', '2001:db8::1', false],
  ['fe80::/10', 'fe80::1%eth0', true],
  ['unix:', 'unknown', true],
  ['unix:', '10.0.0.1', false],
  ['10.0.0.0/8', 'unknown', false],
])('%s has %s: %p', (entry, address, isIn) => expect(new Networks([entry]).has(address)).toBe(isIn))
