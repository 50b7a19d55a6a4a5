import { expect, test } from 'bun:test'
import { bodyBytes } from './body_bytes.ts'

test.each<[string, Response, number]>([
  ['text', new Response('hello'), 5],
  ['one character', new Response('x'), 1],
  ['empty text', new Response(''), 0],
  ['no body', new Response(null, { status: 204 }), 0],
  ['bytes', new Response(new Uint8Array(1000)), 1000],
  ['a buffer', new Response(Buffer.from('abc')), 3],
  ['JSON', Response.json({ name: 'Rex' }), '{"name":"Rex"}'.length],
  ['text with headers', new Response('hello', { headers: { 'X-Long': 'x'.repeat(1000) } }), 5],
  [
    'a stream of known length',
    new Response(new ReadableStream(), { headers: { 'Content-Length': '12' } }),
    12,
  ],
  ['a stream', new Response(new ReadableStream()), 0],
])('%s', (_, response, bytes) => {
  expect(bodyBytes('GET', response)).toBe(bytes)
  expect(bodyBytes('HEAD', response)).toBe(0)
})
