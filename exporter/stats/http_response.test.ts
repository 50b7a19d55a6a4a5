/** Responses of HTTP servers, in pieces of several sizes. */
import { describe, expect, test } from 'bun:test'
import { HttpResponse } from './http_response.ts'

/** The body and how its end was recognised, or the error. */
function read(response: string, pieceBytes: number): string {
  let body = ''
  const http = new HttpResponse((bytes) => (body += bytes.toString('latin1')))
  const bytes = Buffer.from(response, 'latin1')
  try {
    for (let at = 0; at < bytes.length; at += pieceBytes)
      if (http.push(bytes.subarray(at, at + pieceBytes))) return `${body}, complete`
    http.end()
    return `${body}, closed`
  } catch (error) {
    return (error as Error).message
  }
}

const OK = 'HTTP/1.1 200 OK\r\n'
const CHUNKED = `${OK}transfer-encoding: gzip,  Chunked\r\n\r\n`

describe.each([1, 7, 1_000_000])('in pieces of %d bytes', (pieceBytes) => {
  test.each([
    ['a length', `${OK}Content-Length: 2\r\n\r\n{}`, '{}, complete'],
    ['more than its length', `${OK}Content-Length: 2\r\n\r\n{}{}`, '{}, complete'],
    ['nothing', `${OK}Content-Length: 0\r\n\r\n`, ', complete'],
    ['no length, as uWSGI responds', 'HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n{}', '{}, closed'],
    ['chunks', `${CHUNKED}1\r\n{\r\nA;x=y\r\n0123456789\r\n1  \r\n}\r\n0\r\n`, '{0123456789}, complete'],
    [
      'a chunk with a size of two digits',
      `${CHUNKED}10\r\n0123456789abcdef\r\n0\r\n`,
      '0123456789abcdef, complete',
    ],
    ['a chunk size of 12 digits', `${CHUNKED}000000000002\r\n{}\r\n0\r\n`, '{}, complete'],
    ['a chunk size of 13 digits', `${CHUNKED}0000000000002\r\n{}\r\n0\r\n`, 'the response is not HTTP/1'],
    ['chunks and trailers', `${CHUNKED}2\r\n{}\r\n0\r\nX: y\r\n\r\n`, '{}, complete'],
    ['chunks that end early', `${CHUNKED}5\r\n{}`, 'it closed the connection before the end of its response'],
    [
      'chunks without an end',
      `${CHUNKED}2\r\n{}\r\n`,
      'it closed the connection before the end of its response',
    ],
    ['a chunk size before a space and an extension', `${CHUNKED}2 ;x=y\r\n{}\r\n0\r\n`, '{}, complete'],
    ['a chunk size that is no number', `${CHUNKED}2g\r\n{}\r\n0\r\n`, 'the response is not HTTP/1'],
    ['chunks without a length', `${CHUNKED}{}\r\n`, 'the response is not HTTP/1'],
    [
      'a length too long',
      `${OK}Content-Length: 9\r\n\r\n{}`,
      'it closed the connection before the end of its response',
    ],
    ['half a head', 'HTTP/1.1 200', 'it closed the connection before the end of its response'],
    ['no response', '', 'it closed the connection without a response'],
    ['another status', 'HTTP/1.1 503 Busy\r\n\r\n', 'the response has status 503'],
    ['a success without a document', 'HTTP/1.1 204 No Content\r\n\r\n', 'the response has status 204'],
    ['a redirect', 'HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n', 'the response has status 302'],
    ['a raw stats document', '{"name":"dogs"}', 'no HTTP: use tcp:// or stats-http'],
    ['no HTTP', 'SSH-2.0\r\n\r\n', 'the response is not HTTP/1'],
  ])('%s', (_, response, expected) => {
    expect(read(response, pieceBytes)).toBe(expected)
  })
})

test('an endless head is refused at the limit', () => {
  expect(read(`${OK}X: ${'x'.repeat(100_000)}`, 1000)).toBe('the response head is longer than 65536 bytes')
})

test('an endless line between chunks is refused, too', () => {
  expect(read(`${CHUNKED}${'1'.repeat(100_000)}`, 1000)).toBe('the response is not HTTP/1')
})

test.each([
  [65_536, '{}, complete'],
  [65_537, 'the response head is longer than 65536 bytes'],
])('a head of %d bytes', (bytes, expected) => {
  const start = `${OK}Content-Length: 2\r\nX: `
  const response = `${start}${'x'.repeat(bytes - start.length)}\r\n\r\n{}`
  expect(read(response, 1_000_000)).toBe(expected)
})

test('a head that arrives in pieces may have as many bytes before its end is known', () => {
  const head = `${OK}Content-Length: 2\r\nX: `.padEnd(65_536, 'x')
  const http = new HttpResponse(() => {})
  expect(http.push(Buffer.from(head))).toBe(false)
  expect(() => http.push(Buffer.from('x'))).toThrow('longer than 65536 bytes')
})

test.each([
  [65_536, '{}, complete'],
  [65_537, 'the response is not HTTP/1'],
])('a chunk line of %d bytes', (bytes, expected) => {
  expect(read(`${CHUNKED}${'2;'.padEnd(bytes - 1, 'x')}\r\n{}\r\n0\r\n`, 1_000_000)).toBe(expected)
})
