import { describe, expect, test } from 'bun:test'
import { endToEnd, upstreamHeaders } from './headers.ts'
import { cannedUpstream, rawClient, startGateway } from './testing.ts'

const fields = (headers: Headers) => Object.fromEntries(headers)

describe('end to end', () => {
  test('fields of one connection do not pass, those that Connection names included', () => {
    const received = new Headers({
      Connection: 'close, X-Hop ,"odd", Keep-Alive',
      'Keep-Alive': 'timeout=5',
      'Proxy-Authenticate': 'Basic',
      'Proxy-Authorization': 'Basic eA==',
      'Proxy-Connection': 'keep-alive',
      TE: 'trailers',
      Trailer: 'X-Sum',
      'Transfer-Encoding': 'chunked',
      Upgrade: 'websocket',
      'X-Hop': '1',
      'X-End': '2',
    })
    expect(fields(endToEnd(received))).toEqual({ 'x-end': '2' })
  })

  test('Set-Cookie stays two lines', () => {
    const received = new Headers([
      ['Set-Cookie', 'a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT'],
      ['Set-Cookie', 'b=2'],
    ])
    expect(endToEnd(received).getSetCookie()).toEqual(received.getSetCookie())
  })
})

describe('to the upstream', () => {
  test('the gateway says who asked whom, and through what', () => {
    expect(
      fields(upstreamHeaders(new Headers({ Host: 'pets.example:8000', 'User-Agent': 'k6' }), '10.0.0.7')),
    ).toEqual({
      host: 'pets.example:8000',
      'user-agent': 'k6',
      'x-forwarded-for': '10.0.0.7',
      'x-forwarded-host': 'pets.example:8000',
      'x-forwarded-proto': 'http',
      via: '1.1 bun-monitoring',
    })
  })

  test('what a client claims about its way is replaced', () => {
    const claims = new Headers({
      Host: 'a',
      'X-Forwarded-For': '1.2.3.4',
      'X-Forwarded-Host': 'bank.example',
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Port': '443',
      'X-Real-IP': '1.2.3.4',
      Forwarded: 'for=1.2.3.4',
      Via: '1.0 proxy',
    })
    expect(fields(upstreamHeaders(claims, '10.0.0.7'))).toEqual({
      host: 'a',
      'user-agent': '',
      'x-forwarded-for': '10.0.0.7',
      'x-forwarded-host': 'a',
      'x-forwarded-proto': 'http',
      via: '1.0 proxy, 1.1 bun-monitoring',
    })
  })

  test('Connection cannot remove the fields of the gateway, nor Host', () => {
    const received = new Headers({ Host: 'a', Connection: 'X-Forwarded-For, X-Forwarded-Host, Via, Host' })
    expect(fields(upstreamHeaders(received, '10.0.0.7'))).toMatchObject({
      host: 'a',
      'x-forwarded-for': '10.0.0.7',
      'x-forwarded-host': 'a',
      via: '1.1 bun-monitoring',
    })
  })

  test('a claimed X-Forwarded-Host does not pass where there is no Host', () => {
    expect(
      upstreamHeaders(new Headers({ 'X-Forwarded-Host': 'bank.example' }), '::1').has('x-forwarded-host'),
    ).toBe(false)
  })
})

describe('on the wire', () => {
  test('the upstream gets the fields of the client and of the gateway, and none that Bun made up', async () => {
    using upstream = await cannedUpstream('HTTP/1.1 204 No Content\r\n\r\n')
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(
      gateway.port,
      'GET /dogs/?limit=1 HTTP/1.1\r\nHost: pets.example\r\nX-End: 2\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n',
    )
    await client.until(/\r\n\r\n$/)
    const [line, ...head] = upstream.heads[0]!.split('\r\n')
    expect(line).toBe('GET /dogs/?limit=1 HTTP/1.1')
    expect(head.map((field) => field.toLowerCase()).toSorted()).toEqual([
      'accept: */*',
      'connection: keep-alive',
      'host: pets.example',
      'user-agent: ',
      'via: 1.1 bun-monitoring',
      'x-end: 2',
      'x-forwarded-for: 127.0.0.1',
      'x-forwarded-host: pets.example',
      'x-forwarded-proto: http',
    ])
  })

  test('the client gets the fields of the upstream, less those of its connection', async () => {
    using upstream = await cannedUpstream(
      'HTTP/1.1 302 Found\r\nContent-Length: 0\r\nContent-Encoding: br\r\nLocation: /dogs/1/\r\n' +
        'Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nKeep-Alive: timeout=5\r\nConnection: X-Hop\r\nX-Hop: 1\r\n' +
        'Date: Mon, 01 Jan 2001 00:00:00 GMT\r\n\r\n',
    )
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(gateway.port, 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n')
    const [line, ...head] = (await client.until(/\r\n\r\n$/)).trimEnd().split('\r\n')
    expect(line).toBe('HTTP/1.1 302 Found')
    expect(head.map((field) => field.toLowerCase()).toSorted()).toEqual([
      'content-encoding: br',
      'content-length: 0',
      'date: mon, 01 jan 2001 00:00:00 gmt',
      'location: /dogs/1/',
      'set-cookie: a=1',
      'set-cookie: b=2',
    ])
  })
})
