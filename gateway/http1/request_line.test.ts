import { expect, test } from 'bun:test'
import { METHODS } from './methods.ts'
import { RequestLine } from './request_line.ts'

/** The parts of a line, which stands behind other bytes, or why it is rejected. */
function read(text: string) {
  const bytes = Buffer.from(`before${text}\r\nbehind`, 'latin1')
  const line = new RequestLine()
  const rejection = line.read(bytes, 'before'.length, bytes.length - 'behind'.length)
  if (rejection !== undefined) return rejection
  const part = (from: number, to: number) => bytes.toString('latin1', from, to)
  return {
    method: METHODS[line.method],
    name: part(line.start, line.methodEnd),
    authority: part(line.authorityStart, line.authorityEnd),
    path: part(line.pathStart, line.pathEnd),
    query: part(line.pathEnd, line.targetEnd),
    version: `${line.minor}${line.isVersionExact ? '' : '+'}`,
    whole: part(line.start, line.end),
  }
}

const parts = { method: 'GET', name: 'GET', authority: '', query: '', version: '1' }

test.each([
  ['GET / HTTP/1.1', { path: '/' }],
  ['GET /a/b?c?d HTTP/1.0', { path: '/a/b', query: '?c?d', version: '0' }],
  ['GET /a? HTTP/1.9', { path: '/a', query: '?', version: '1+' }],
  ['get / HTTP/1.1', { method: '_OTHER', name: 'get', path: '/' }],
  ['M-SEARCH / HTTP/1.1', { method: '_OTHER', name: 'M-SEARCH', path: '/' }],
  ['OPTIONS * HTTP/1.1', { method: 'OPTIONS', name: 'OPTIONS', path: '' }],
  ['OPTIONS / HTTP/1.1', { method: 'OPTIONS', name: 'OPTIONS', path: '/' }],
  ['GET http://a HTTP/1.1', { authority: 'a', path: '' }],
  ['GET HTTP://a:1/b?c/d HTTP/1.1', { authority: 'a:1', path: '/b', query: '?c/d' }],
  ['GET http://a?b/c HTTP/1.1', { authority: 'a', path: '', query: '?b/c' }],
  ["GET /!$%&'()*+,-.09:;=@AZ[]^_`az{|}~\\ HTTP/1.1", { path: "/!$%&'()*+,-.09:;=@AZ[]^_`az{|}~\\" }],
])('the parts of %s', (text, expected) => {
  expect(read(text)).toEqual({ ...parts, ...expected, whole: `${text}\r\n` } as never)
})

test.each([
  ['', 'request_line'],
  [' GET / HTTP/1.1', 'request_line'],
  ['GET', 'request_line'],
  ['GET /', 'request_line'],
  ['GET  / HTTP/1.1', 'request_line'],
  ['GET /  HTTP/1.1', 'request_line'],
  ['GET / HTTP/1.1 ', 'request_line'],
  ['GET\t/ HTTP/1.1', 'request_line'],
  ['G(T / HTTP/1.1', 'request_line'],
  ['GET / http/1.1', 'request_line'],
  ['GET / HTTP/1', 'request_line'],
  ['GET / HTTP/1.', 'request_line'],
  ['GET / HTTP/1.10', 'request_line'],
  ['GET / HTTP/1:1', 'request_line'],
  ['GET / HTTP/1./', 'request_line'],
  ['GET / HTTP/1.:', 'request_line'],
  ['GET / HTTP/a.1', 'request_line'],
  ['GET / HTTP/2.a', 'request_line'],
  ['GET / HTTP/2.0', 'version'],
  ['GET / HTTP/0.9', 'version'],
  ['GET / HTTP/9.9', 'version'],
  ['GET / HTTP/3x0', 'request_line'],
  ['PRI * HTTP/2.0', 'version'],
  ['GET * HTTP/1.1', 'request_line'],
  ['OPTIONS ** HTTP/1.1', 'request_line'],
  ['GET a HTTP/1.1', 'request_line'],
  ['GET ?a HTTP/1.1', 'request_line'],
  ['GET https://a/ HTTP/1.1', 'request_line'],
  ['GET http:/a HTTP/1.1', 'request_line'],
  ['GET http://', 'request_line'],
  ['GET http:// HTTP/1.1', 'host'],
  ['GET http:///a HTTP/1.1', 'host'],
  ['GET http://?a HTTP/1.1', 'host'],
  ['CONNECT a:443 HTTP/1.1', 'method'],
  ['CONNECT / HTTP/1.1', 'method'],
  ['GET /" HTTP/1.1', 'request_line'],
  ['GET /# HTTP/1.1', 'request_line'],
  ['GET /< HTTP/1.1', 'request_line'],
  ['GET /> HTTP/1.1', 'request_line'],
  ['GET /\x7f HTTP/1.1', 'request_line'],
  ['GET /\x80 HTTP/1.1', 'request_line'],
  ['GET /\xff HTTP/1.1', 'request_line'],
  ['GET /\x1f HTTP/1.1', 'request_line'],
])('%j is rejected: %s', (text, rejection) => {
  expect(read(text)).toBe(rejection as never)
})

test('only CRLF ends a line', () => {
  const line = new RequestLine()
  for (const end of ['\n', '\r\r', '\n\n', 'x\n']) {
    const bytes = Buffer.from(`GET / HTTP/1.1${end}`)
    expect(line.read(bytes, 0, bytes.length)).toBe('request_line')
  }
})
