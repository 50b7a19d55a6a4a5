import { expect, test } from 'bun:test'
import { startGateway } from '../testing.ts'

test.each([
  ['/a/b?c=d&e', 'Shop.Example:8080', 'https://{host}{path}?{query}', 'https://shop.example/a/b?c=d&e'],
  ['/a', 'shop.example', 'https://{host}{path}?{query}', 'https://shop.example/a'],
  ['/a?', 'shop.example', 'https://{host}{path}?{query}', 'https://shop.example/a'],
  ['/a?b', 'shop.example', 'https://x{path}?z=1&{query}', 'https://x/a?z=1&b'],
  ['/a', 'shop.example', 'https://x{path}?z=1&{query}', 'https://x/a?z=1'],
  ['/a?{host}', 'h', '{path}#{query}{path}', '/a#{host}/a'],
  ['http://other:1?q', 'ignored', 'https://{host}{path}?{query}', 'https://other/?q'],
  ['/%41?%3f', '[::1]:80', 'https://{host}{path}?{query}', 'https://[::1]/%41?%3f'],
  ['/', 'a', 'https://fixed.example/', 'https://fixed.example/'],
  ['/a?b', 'a', 'https://x{path}?{query}&z=1', 'https://x/a?b&z=1'],
  ['/a', 'a', 'https://x{path}?{query}&z=1', 'https://x/a?z=1'],
  ['/a?', 'a', 'https://x{path}?y=1&{query}&z=1', 'https://x/a?y=1&z=1'],
  ['/a??b=/../%2e', 'a', 'https://{host}{path}?{query}', 'https://a/a??b=/../%2e'],
  ['/a', 'A.example.:8080', 'https://www.{host}:8443{path}', 'https://www.a.example:8443/a'],
  ['/a', '[2001:DB8:0::1]:80', 'https://{host}/', 'https://[2001:db8::1]/'],
])('%s of %s to %s is %s', async (target, host, location, expected) => {
  const routes = [{ id: 'all', path: '/', redirect: { status: 308, location } }]
  await using gateway = startGateway('http://127.0.0.1:1', { routes })
  const response = await gateway.ask(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, /\r\n\r\n$/)
  expect(response).toStartWith('HTTP/1.1 308 ')
  expect(response.split('\r\n')).toContain(`Location: ${expected}`)
})

test('a request without a host cannot be redirected to it: 400', async () => {
  const routes = [{ id: 'all', path: '/', redirect: { status: 308, location: 'https://{host}/' } }]
  await using gateway = startGateway('http://127.0.0.1:1', { routes })
  expect(await gateway.ask('GET / HTTP/1.0\r\n\r\n', /\}$/)).toStartWith('HTTP/1.1 400 ')
})
