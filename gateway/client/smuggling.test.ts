/**
 * Attack: request smuggling. Two parsers see the end of a message in different places, so its body hides a second
 * request. No byte of it may reach an upstream, and its connection must not be used again.
 */
import { expect, test } from 'bun:test'
import { rawClient, recordingUpstream, startGateway } from '../testing.ts'

const HIDDEN = 'GET /dogs/admin HTTP/1.1\r\nHost: a\r\n\r\n'
const POST = 'POST /dogs/ HTTP/1.1\r\nHost: a\r\n'
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`

test.each<[attack: string, status: number, bytes: string]>([
  ['CL.TE', 400, `${POST}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`],
  [
    'TE.CL',
    400,
    `${POST}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n${HIDDEN}\r\n0\r\n\r\n`,
  ],
  [
    'TE.TE',
    400,
    `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n${HIDDEN}`,
  ],
  ['TE twice chunked', 400, `${POST}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n${HIDDEN}`],
  [
    'TE in two lines',
    400,
    `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  ['TE with a parameter', 400, `${POST}Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['TE with a prefix', 400, `${POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['TE that does not end with chunked', 400, `${POST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`],
  ['TE with a vertical tab', 400, `${POST}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['an empty TE', 400, `${POST}Transfer-Encoding:\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['an unknown coding', 501, `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['TE in HTTP/1.0', 400, `POST /dogs/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['CL.CL', 400, `${POST}Content-Length: 0\r\nContent-Length: 44\r\n\r\n${HIDDEN}`],
  ['the same CL twice', 400, `${POST}Content-Length: 0\r\nContent-Length: 0\r\n\r\n${HIDDEN}`],
  ['a list of CL', 400, `${POST}Content-Length: 0, 0\r\n\r\n${HIDDEN}`],
  ['a signed CL', 400, `${POST}Content-Length: +4\r\n\r\n${HIDDEN}`],
  ['a negative CL', 400, `${POST}Content-Length: -1\r\n\r\n${HIDDEN}`],
  ['a hexadecimal CL', 400, `${POST}Content-Length: 0x4\r\n\r\n${HIDDEN}`],
  ['a CL with a fraction', 400, `${POST}Content-Length: 4.0\r\n\r\n${HIDDEN}`],
  ['a CL with a space', 400, `${POST}Content-Length: 4 4\r\n\r\n${HIDDEN}`],
  ['an empty CL', 400, `${POST}Content-Length:\r\n\r\n${HIDDEN}`],
  ['a CL above every number', 400, `${POST}Content-Length: 18446744073709551616\r\n\r\n${HIDDEN}`],
  ['a CL that is exact in no double', 400, `${POST}Content-Length: 9007199254740993\r\n\r\n${HIDDEN}`],
  ['a bare LF after the request line', 400, `POST /dogs/ HTTP/1.1\nHost: a\r\n\r\n`],
  ['a bare LF after a field', 400, `${POST}A: b\nContent-Length: 44\r\n\r\n${HIDDEN}`],
  ['a bare LF as the empty line', 400, `${POST}Content-Length: 44\r\n\n${HIDDEN}`],
  ['a bare CR in a field', 400, `${POST}A: b\rContent-Length: 44\r\n\r\n${HIDDEN}`],
  ['a bare CR at the end of the request line', 400, `POST /dogs/ HTTP/1.1\r\r\nHost: a\r\n\r\n`],
  ['a NUL in a field', 400, `${POST}A: b\0c\r\n\r\n`],
  ['obs-fold', 400, `${POST}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['a space before the colon', 400, `${POST}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['a tab before the colon', 400, `${POST}Content-Length\t: 44\r\n\r\n${HIDDEN}`],
  ['a space before the first field', 400, `POST /dogs/ HTTP/1.1\r\n Content-Length: 44\r\nHost: a\r\n\r\n`],
  ['a field without a colon', 400, `${POST}Content-Length\r\n\r\n`],
  ['a field without a name', 400, `${POST}: 44\r\n\r\n`],
  ['a size with a sign', 400, `${CHUNKED}+1\r\na\r\n0\r\n\r\n${HIDDEN}`],
  ['a size with 0x', 400, `${CHUNKED}0x1\r\na\r\n0\r\n\r\n${HIDDEN}`],
  ['a size with a space in front', 400, `${CHUNKED} 1\r\na\r\n0\r\n\r\n${HIDDEN}`],
  ['a size with a space behind', 400, `${CHUNKED}1 \r\na\r\n0\r\n\r\n${HIDDEN}`],
  ['no size', 400, `${CHUNKED}\r\na\r\n0\r\n\r\n${HIDDEN}`],
  ['a size that overflows', 400, `${CHUNKED}10000000000000001\r\na\r\n0\r\n\r\n${HIDDEN}`],
  ['a size that ends with a bare LF', 400, `${CHUNKED}1\na\r\n0\r\n\r\n${HIDDEN}`],
  ['a chunk that ends with a bare LF', 400, `${CHUNKED}1\r\na\n0\r\n\r\n${HIDDEN}`],
  ['a chunk that is longer than it says', 400, `${CHUNKED}1\r\nab\r\n0\r\n\r\n${HIDDEN}`],
  ['an extension with a bare LF', 400, `${CHUNKED}1;a\nb\r\na\r\n0\r\n\r\n${HIDDEN}`],
  ['an extension with a bare CR', 400, `${CHUNKED}1;a\rb\r\na\r\n0\r\n\r\n${HIDDEN}`],
  ['extensions without end', 400, `${CHUNKED}1;${'a'.repeat(5000)}\r\na\r\n0\r\n\r\n${HIDDEN}`],
  ['a trailer without a colon', 400, `${CHUNKED}0\r\nA\r\n\r\n${HIDDEN}`],
  ['a trailer with obs-fold', 400, `${CHUNKED}0\r\nA: b\r\n c\r\n\r\n${HIDDEN}`],
  ['trailers without end', 400, `${CHUNKED}0\r\n${`A: ${'b'.repeat(100)}\r\n`.repeat(100)}\r\n${HIDDEN}`],
])('%s: %d', async (_, status, bytes) => {
  using upstream = await recordingUpstream()
  await using gateway = startGateway(upstream.url)
  using client = await rawClient(gateway.port, bytes)
  const response = await client.untilClosed()
  expect(response).toStartWith(`HTTP/1.1 ${status} `)
  expect(response).toContain('Connection: close')
  expect(response.match(/^HTTP/gm)).toHaveLength(1)
  expect(upstream.requests).toEqual([])
  expect(await gateway.metric('gateway_rejections_total')).toBe(1)
  // The next client is served normally.
  expect(await gateway.ask(undefined, /[\da-f]{40}$/)).toStartWith('HTTP/1.1 200 OK')
  expect(upstream.requests).toHaveLength(1)
})

test('CL.0: a body is a body with every method', async () => {
  using upstream = await recordingUpstream()
  await using gateway = startGateway(upstream.url)
  const text = `GET /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`
  await gateway.ask(text, /[\da-f]{40}$/)
  expect(upstream.requests).toMatchObject([{ method: 'GET', target: '/dogs/', body: HIDDEN }])
})

test('a request without framing has no body: what follows is the next request', async () => {
  using upstream = await recordingUpstream()
  await using gateway = startGateway(upstream.url)
  await gateway.ask(`${POST}\r\n${HIDDEN}`, /(\r\n\r\n[\da-f]{40}[^]*){2}$/)
  expect(upstream.requests).toMatchObject([
    { method: 'POST', body: '' },
    { method: 'GET', target: '/dogs/admin' },
  ])
})

test.each([
  ['a length that begins with zeros', 'Content-Length: 004\r\n\r\nabcd', ['Content-Length', '4'], 'abcd'],
  [
    'chunk extensions',
    'Transfer-Encoding: Chunked\r\n\r\n2;a=b;c\r\nab\r\n2\r\ncd\r\n0;d\r\n\r\n',
    ['Transfer-Encoding', 'chunked'],
    'abcd',
  ],
])('%s do not pass', async (_, rest, field, body) => {
  using upstream = await recordingUpstream()
  await using gateway = startGateway(upstream.url)
  await gateway.ask(POST + rest, /[\da-f]{40}$/)
  const [request] = upstream.requests
  expect(request!.body).toBe(body)
  expect(request!.fields.filter(([name]) => /^(content-length|transfer-encoding)$/i.test(name))).toEqual([
    field as [string, string],
  ])
})

test('a bad chunk ends its request: the upstream never sees it whole', async () => {
  using upstream = await recordingUpstream()
  await using gateway = startGateway(upstream.url)
  using client = await rawClient(gateway.port, `${CHUNKED}1\r\na\r\n`)
  while (upstream.sockets.size === 0) await new Promise(setImmediate)
  client.socket.write(`x\r\n0\r\n\r\n${HIDDEN}`)
  expect(await client.untilClosed()).toStartWith('HTTP/1.1 400 ')
  while (upstream.sockets.size > 0) await new Promise(setImmediate)
  expect(upstream.requests).toEqual([])
})
