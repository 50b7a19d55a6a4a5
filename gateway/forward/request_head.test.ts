import { describe, expect, test } from 'bun:test'
import { FieldList } from '../http1/fields.ts'
import { RequestLine } from '../http1/request_line.ts'
import { Peers } from './peers.ts'
import { readRequest, type RequestHead, requestLineOf } from './request_head.ts'

const LIMITS = { lineBytes: 40, headersBytes: 100, headersCount: 4 }
const peer = new Peers([]).enter('10.0.0.1')

/** Reads the request that stands behind other bytes. */
function read(text: string, each = peer) {
  const head = { line: new RequestLine(), limits: LIMITS } as unknown as RequestHead
  const bytes = Buffer.from(`before${text}`, 'latin1')
  const result = readRequest(head, new FieldList(LIMITS.headersCount), each, bytes, 'before'.length)
  return result ?? { head, rest: bytes.toString('latin1', head.end) }
}

const fieldsOf = (text: string, each = peer) => {
  const result = read(text, each)
  if (typeof result === 'string') throw new Error(result)
  return result.head.fields
}

const HOST = 'Host: a\r\n'
const GET = `GET / HTTP/1.1\r\n${HOST}\r\n`

test('a request ends with an empty line, and the rest is not its own', () => {
  for (const rest of ['', 'x', GET]) expect(read(GET + rest)).toMatchObject({ rest })
  expect(read(`\r\n${GET}`)).toMatchObject({ rest: '' })
  expect(read('GET / HTTP/1.0\r\n\r\nx')).toMatchObject({ rest: 'x' })
  const result = read('PUT /a?b HTTP/1.0\r\n\r\n')
  expect(typeof result === 'string' ? result : requestLineOf(result.head)).toBe('PUT /a?b')
})

test('a request that is not whole is incomplete, as long as it can become one', () => {
  for (let length = 0; length < GET.length; length++) expect(read(GET.slice(0, length))).toBe('incomplete')
  for (const begin of ['\r', '\r\n', '\r\nG']) expect(read(begin)).toBe('incomplete')
})

test.each([
  ['request_line', ' GET'],
  ['request_line', '\n'],
  ['request_line', '\rG'],
  ['request_line', '\r\n\r\n'],
  ['request_line', '\x16\x03'],
  ['request_line', 'GET /\n'],
  ['field', 'GET / HTTP/1.1\r\nHost: a\n'],
  ['field', 'GET / HTTP/1.1\r\nHost: a\r\nA: b\n\n'],
  ['field', `GET / HTTP/1.1\r\n${HOST}A : b\r\n\r\n`],
  ['field', `GET / HTTP/1.1\r\n${HOST}A: b\r\n c\r\n\r\n`],
  ['field', `GET / HTTP/1.1\r\n${HOST}Connection: a b\r\n\r\n`],
  ['field', `GET / HTTP/1.1\r\n${HOST}Max-Forwards: 1\r\nMax-Forwards: 1\r\n\r\n`],
  ['fields_size', `GET / HTTP/1.1\r\n${HOST}${'A: b\r\n'.repeat(4)}\r\n`],
  ['host', 'GET / HTTP/1.1\r\nA: b\r\n\r\n'],
  ['host', 'GET / HTTP/1.1\r\n\r\n'],
  ['host', `GET http://a,b/ HTTP/1.1\r\n${HOST}\r\n`],
  ['host', `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`],
  ['framing', `GET / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 1\r\n\r\n`],
  ['coding', `GET / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip, chunked\r\n\r\n`],
  ['expectation', `GET / HTTP/1.1\r\n${HOST}Expect: tea\r\n\r\n`],
])('%s: %j', (rejection, text) => expect(read(text)).toBe(rejection as never))

describe('a bound holds on both sides:', () => {
  const line = (bytes: number) => `GET /${'a'.repeat(bytes - 'GET / HTTP/1.1\r\n'.length)} HTTP/1.1\r\n`
  test('the request line, whole or not', () => {
    expect(read(`${line(40)}${HOST}\r\n`)).toMatchObject({ rest: '' })
    expect(read(`${line(41)}${HOST}\r\n`)).toBe('line_length')
    expect(read('G'.repeat(40))).toBe('incomplete')
    expect(read('G'.repeat(41))).toBe('line_length')
  })

  test('the header section, whole or not', () => {
    const fields = (bytes: number) => `GET / HTTP/1.1\r\n${HOST}A: ${'b'.repeat(bytes - HOST.length - 5)}\r\n`
    expect(read(`${fields(100)}\r\n`)).toMatchObject({ rest: '' })
    expect(read(`${fields(101)}\r\n`)).toBe('fields_size')
    expect(read(fields(100))).toBe('incomplete')
    expect(read(fields(101))).toBe('fields_size')
  })

  test('the number of fields', () => {
    expect(read(`GET / HTTP/1.1\r\n${HOST}${'A: b\r\n'.repeat(3)}\r\n`)).toMatchObject({ rest: '' })
  })
})

describe('the meaning of fields', () => {
  const of = (fields: string, version = '1.1') => fieldsOf(`GET / HTTP/${version}\r\n${HOST}${fields}\r\n`)
  test.each([
    ['1.1', '', true],
    ['1.1', 'Connection: close\r\n', false],
    ['1.1', 'Connection: keep-alive, CLOSE\r\n', false],
    ['1.0', '', false],
    ['1.0', 'Connection: Keep-Alive\r\n', true],
    ['1.0', 'Connection: keep-alive, close\r\n', false],
  ])('of HTTP/%s with %j is persistent: %p', (version, fields, isPersistent) => {
    expect(of(fields, version)).toMatchObject({ isPersistent })
  })

  test.each([
    ['TE: trailers\r\n', true],
    ['TE: deflate, Trailers ;q=1\r\n', false],
    ['TE: deflate , TRAILERS , gzip\r\n', true],
    ['TE: xtrailers\r\n', false],
    ['TE: trailersx\r\n', false],
    ['', false],
  ])('%j takes trailers: %p', (fields, takesTrailers) => {
    expect(of(fields)).toMatchObject({ takesTrailers })
  })

  test.each([
    ['Idempotency-Key: a\r\n', true],
    ['Idempotency-Key:\r\n', false],
    ['Idempotency-Keys: a\r\n', false],
  ])('%j has an idempotency key: %p', (fields, hasIdempotencyKey) => {
    expect(of(fields)).toMatchObject({ hasIdempotencyKey })
  })

  test('the user agent, the trace and the host', () => {
    const trace = '0af7651916cd43dd8448eb211c80319c'
    expect(of(`User-Agent: x\r\n`)).toMatchObject({ userAgent: 'x', host: 'a', maxForwards: -1 })
    expect(fieldsOf(`GET / HTTP/1.0\r\ntraceparent: 00-${trace}-b7ad6b7169203331-00\r\n\r\n`)).toMatchObject({
      traceId: trace,
      hasTraceparent: true,
      host: '',
    })
    expect(of('')).toMatchObject({ userAgent: undefined, traceId: undefined, hasTraceparent: false })
  })

  test.each([
    ['GET', '3', '3'],
    ['OPTIONS', '3', '2'],
    ['OPTIONS', '0', '0'],
    ['OPTIONS', '999999999', '999999998'],
  ])('Max-Forwards of %s %s is forwarded as %s', (method, given, forwarded) => {
    const fields = fieldsOf(`${method} / HTTP/1.1\r\n${HOST}Max-Forwards: ${given}\r\n\r\n`)
    expect(fields.maxForwards).toBe(Number(given))
    expect(fields.forward.toString()).toContain(`\r\nMax-Forwards: ${forwarded}\r\n`)
  })
})

describe('a header section that was seen before', () => {
  test('is not read again, unless the version, the target or Max-Forwards may change its meaning', () => {
    const each = new Peers([]).enter('10.0.0.2')
    const first = fieldsOf(GET, each)
    expect(fieldsOf(GET.replace('GET /', 'PUT /b'), each)).toBe(first)
    const old = fieldsOf(GET.replace('1.1', '1.0'), each)
    expect(old).not.toBe(first)
    expect(old.isPersistent).toBe(false)
    expect(fieldsOf(GET, each)).not.toBe(old)
    const absolute = fieldsOf(GET.replace('/ ', 'http://b/ '), each)
    expect(absolute.host).toBe('b')
    expect(fieldsOf(GET, each).host).toBe('a')
    const options = `OPTIONS / HTTP/1.1\r\n${HOST}Max-Forwards: 2\r\n\r\n`
    expect(fieldsOf(options.replace('OPTIONS', 'GET'), each).forward.toString()).toContain('Max-Forwards: 2')
    expect(fieldsOf(options, each).forward.toString()).toContain('Max-Forwards: 1')
  })
})

test('fields are a copy: the bytes of a socket are a part of a large buffer', () => {
  const result = read(GET, new Peers([]).enter('10.0.0.2'))
  if (typeof result === 'string') throw new Error(result)
  result.head.bytes.fill('x')
  expect(result.head.fields.block.toString()).toBe(HOST)
})
