import { expect, test } from 'bun:test'
import {
  alternativesOf,
  hostOfAddress,
  isTarget,
  nameOfAddress,
  parseAddress,
  parseListen,
} from './address.ts'

test.each([
  ['http://dogs:8001', { hostname: 'dogs', port: 8001 }, 'dogs:8001'],
  ['http://127.0.0.1:80', { hostname: '127.0.0.1', port: 80 }, '127.0.0.1:80'],
  ['http://[::1]:8001', { hostname: '::1', port: 8001 }, '[::1]:8001'],
  [
    'https://shop.internal',
    { hostname: 'shop.internal', port: 443, serverName: 'shop.internal' },
    'shop.internal:443',
  ],
  [
    'https://shop.internal:80',
    { hostname: 'shop.internal', port: 80, serverName: 'shop.internal' },
    'shop.internal:80',
  ],
  ['https://10.0.0.1:8443', { hostname: '10.0.0.1', port: 8443, serverName: '' }, '10.0.0.1:8443'],
  ['https://[2001:db8::1]', { hostname: '2001:db8::1', port: 443, serverName: '' }, '[2001:db8::1]:443'],
  ['unix:/run/dogs.sock', { unix: '/run/dogs.sock' }, '/run/dogs.sock'],
  ['unix:/run/dogs.*.sock', { unix: '/run/dogs.*.sock' }, '/run/dogs.*.sock'],
])('the target %s is %j, named %s', (text, address, name) => {
  expect(isTarget(text)).toBe(true)
  expect(parseAddress(text)).toEqual(address)
  expect(nameOfAddress(parseAddress(text))).toBe(name)
  expect(hostOfAddress(parseAddress(text))).toBe('unix' in address ? 'localhost' : name)
})

test.each([
  '',
  'dogs:8001',
  'http://dogs',
  'http://dogs:',
  'http://dogs:0',
  'http://dogs:65536',
  'http://dogs:8001/',
  'http://dogs:8001/x',
  'http://dogs:8001?x',
  'http://a@dogs:8001',
  'http:// dogs:8001',
  ' http://dogs:8001',
  'https://',
  'https://dogs/x',
  'https://dogs:0',
  'ftp://dogs:8001',
  'unix:dogs.sock',
  'unix:/run/',
  'unix:/run/*/dogs.sock',
  'unix:/run/a b.sock',
])('%j is no target', (text) => expect(isTarget(text)).toBe(false))

test.each([
  ['127.0.0.1:8443', '127.0.0.1', 8443],
  ['[::]:443', '::', 443],
  ['[2001:DB8::1]:1', '2001:DB8::1', 1],
  ['localhost:65535', 'localhost', 65_535],
])('%s listens on %s, %d', (text, hostname, port) => expect(parseListen(text)).toEqual({ hostname, port }))

test.each([
  '8443',
  ':8443',
  'a:0',
  'a:65536',
  'a:',
  'a',
  'a:123456',
  '::1:443',
  '[::1]',
  '[]:443',
  '[g::]:443',
  'a b:1',
  'a:1 ',
  'http://a:1',
])('%j is no address to listen on', (text) => expect(parseListen(text)).toBeUndefined())

test('the alternatives of an address differ in nothing but the host', () => {
  const rest = { port: 1, serverName: 'a' }
  expect(alternativesOf({ hostname: '1.1.1.1', fallbacks: ['::1', '::2'], ...rest })).toEqual([
    { hostname: '1.1.1.1', ...rest },
    { hostname: '::1', ...rest },
    { hostname: '::2', ...rest },
  ])
  expect(alternativesOf({ hostname: 'a', port: 1 })).toEqual([{ hostname: 'a', port: 1 }])
  expect(alternativesOf({ unix: '/a' })).toEqual([{ unix: '/a' }])
})
