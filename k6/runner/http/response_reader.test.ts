import { expect, test } from 'bun:test'
import { type RawResponse, ResponseReader } from './response_reader.ts'

const read = (method: string, parts: readonly string[]): RawResponse | undefined => {
  const reader = new ResponseReader()
  reader.begin(method)
  return parts.reduce<RawResponse | undefined>(
    (_, part) => reader.read(Buffer.from(part, 'latin1')),
    undefined,
  )
}
const seen = (response: RawResponse | undefined) =>
  response && { status: response.status, body: String(response.body), isReusable: response.isReusable }

const responses: [what: string, method: string, text: string, status: number, body: string][] = [
  ['a body by its length', 'GET', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', 200, 'hello'],
  ['an empty body', 'GET', 'HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n', 404, ''],
  ['no reason', 'GET', 'HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx', 200, 'x'],
  [
    'chunks with an extension and a trailer',
    'GET',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=1\r\n0123456789\r\n0\r\nX: y\r\n\r\n',
    200,
    'abc0123456789',
  ],
  ['the head of HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n', 200, ''],
  ['204', 'DELETE', 'HTTP/1.1 204 No Content\r\n\r\n', 204, ''],
  ['304 with the length of a body it lacks', 'GET', 'HTTP/1.1 304 X\r\nContent-Length: 9\r\n\r\n', 304, ''],
  [
    'an interim response before the final one',
    'PUT',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok',
    201,
    'ok',
  ],
]

test.each(responses)('%s is read, in whichever two parts it comes', (_, method, text, status, body) => {
  for (let cut = 1; cut <= text.length; cut++) {
    const parts = cut === text.length ? [text] : [text.slice(0, cut), text.slice(cut)]
    expect({ cut, seen: seen(read(method, parts)) }).toEqual({
      cut,
      seen: { status, body, isReusable: true },
    })
  }
})

test.each(responses)('%s is not complete without its last byte', (_, method, text) => {
  expect(read(method, [text.slice(0, -1)])).toBeUndefined()
})

test('the connection is not used again after "close", HTTP/1.0, or bytes behind the response', () => {
  for (const text of [
    'HTTP/1.1 200 OK\r\nConnection: Keep-Alive, Close\r\nContent-Length: 1\r\n\r\nx',
    'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxy',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\ny',
  ])
    expect(seen(read('GET', [text]))).toEqual({ status: 200, body: 'x', isReusable: false })
})

test('without a length the body ends with the connection; with one, a connection that ends breaks it', () => {
  const endOf = (text: string) => {
    const reader = new ResponseReader()
    reader.begin('GET')
    expect(reader.read(Buffer.from(text))).toBeUndefined()
    return seen(reader.end())
  }
  expect(endOf('HTTP/1.1 200 OK\r\n\r\nhel')).toEqual({ status: 200, body: 'hel', isReusable: false })
  for (const text of [
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel',
    'HTTP/1.1 200 OK\r\n',
  ])
    expect(endOf(text)).toBeUndefined()
})

test.each([
  'SSH-2.0-OpenSSH_9.2\r\n\r\n',
  'HTTP/2 200 OK\r\n\r\n',
  'HTTP/1.1 99 OK\r\n\r\n',
  'HTTP/1.1 600 OK\r\n\r\n',
  'HTTP/1.1 200 OK\r\nno colon\r\n\r\n',
  'HTTP/1.1 200 OK\r\n: no name\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n',
  'x'.repeat(65_537),
])('%j is no response', (text) => {
  expect(() => read('GET', [text])).toThrow('malformed HTTP response')
})

test('it has begun with the first byte, and the next request begins anew', () => {
  const reader = new ResponseReader()
  reader.begin('GET')
  expect(reader.hasBegun).toBe(false)
  reader.read(Buffer.from('H'))
  expect(reader.hasBegun).toBe(true)
  reader.read(Buffer.from('TTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'))
  expect(reader.hasBegun).toBe(true)
  reader.begin('GET')
  expect(reader.hasBegun).toBe(false)
})
