import { describe, expect, test } from 'bun:test'
import { cannedUpstream, expectProblem, OK, rawClient, rawUpstream, startGateway } from './testing.ts'

const ANSWERED = 'gateway_upstream_request_duration_seconds_count'

describe('a request is refused', () => {
  test.each([
    ['a declared length above the limit', 'Content-Length: 11\r\n\r\nhello world'],
    ['chunks above the limit', 'Transfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n'],
  ])('with %s: 413', async (_, rest) => {
    using upstream = await rawUpstream(() => {})
    await using gateway = startGateway(upstream.url, { bodyBytes: 10 })
    using client = await rawClient(gateway.port, `POST /dogs/ HTTP/1.1\r\nHost: a\r\n${rest}`)
    const answer = await client.until(/\}$/)
    expect(answer).toStartWith('HTTP/1.1 413')
    expect(answer).toContain('application/problem+json')
    expect(answer).toContain('"detail":"The body of a request may have 10 bytes"')
    expect(await gateway.counted()).toEqual({ 'POST dogs 413': 1 })
    expect(await gateway.metric(ANSWERED)).toBe(0)
  })

  test('not with a body of just the limit', async () => {
    using upstream = await rawUpstream((received, socket) => {
      if (received.endsWith('0\r\n\r\n')) socket.write(OK)
    })
    await using gateway = startGateway(upstream.url, { bodyBytes: 5 })
    using client = await rawClient(
      gateway.port,
      'POST /dogs/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    )
    expect(await client.until(/ok$/)).toStartWith('HTTP/1.1 200')
  })

  test.each([
    ['a GET with a body', 'GET /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello', 'GET dogs 400'],
    ['an invalid Host', 'GET /dogs/ HTTP/1.1\r\nHost: b@d/x\r\n\r\n', 'GET unmatched 400'],
    ['two Hosts', 'GET /dogs/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 'GET unmatched 400'],
  ])('with %s: 400', async (_, request, counted) => {
    using upstream = await cannedUpstream(OK)
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(gateway.port, request)
    expect(await client.until(/\}$/)).toStartWith('HTTP/1.1 400')
    expect(await gateway.counted()).toEqual({ [counted]: 1 })
    expect(upstream.heads).toEqual([])
  })

  test.each(['/metrics', '/stats', '/healthz', '/readyz', '/dogsx', '/nothing'])(
    'on %s: 404',
    async (path) => {
      using upstream = await cannedUpstream(OK)
      await using gateway = startGateway(upstream.url)
      await expectProblem(await fetch(gateway.url + path), 404, `No route takes ${path}`)
      expect(await gateway.counted()).toEqual({ 'GET unmatched 404': 1 })
      expect(upstream.heads).toEqual([])
    },
  )
})

describe('the page at /', () => {
  test('links to everything', async () => {
    await using gateway = startGateway('http://127.0.0.1:1')
    const answer = await fetch(gateway.url)
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
    const links = [...(await answer.text()).matchAll(/href="([^"]+)"/g)].map(([, link]) => link)
    expect(links).toEqual([
      '/dogs/',
      '/cats/',
      '/dogs/swagger',
      '/cats/swagger',
      'http://127.0.0.1:9117/',
      'http://127.0.0.1:3000/',
      'http://127.0.0.1:9090/',
      ...[9000, 9001, 9002].flatMap((port) => [
        `http://127.0.0.1:${port}/metrics`,
        `http://127.0.0.1:${port}/stats`,
      ]),
    ])
    expect(await gateway.counted()).toEqual({ 'GET page 200': 1 })
  })

  test('has a head', async () => {
    await using gateway = startGateway('http://127.0.0.1:1')
    const answer = await fetch(gateway.url, { method: 'HEAD' })
    expect(answer.status).toBe(200)
    expect(Number(answer.headers.get('content-length'))).toBeGreaterThan(0)
    expect(await gateway.counted()).toEqual({ 'HEAD page 200': 1 })
  })

  test('takes nothing: 405', async () => {
    await using gateway = startGateway('http://127.0.0.1:1')
    const answer = await fetch(gateway.url, { method: 'POST', body: 'x' })
    expect(answer.headers.get('allow')).toBe('GET, HEAD')
    await expectProblem(answer, 405, 'This page only answers GET and HEAD')
    expect(await gateway.counted()).toEqual({ 'POST page 405': 1 })
  })
})

test('series with known labels are there before the first request', async () => {
  await using gateway = startGateway('http://127.0.0.1:1')
  const page = await gateway.page()
  for (const upstream of ['dogs', 'cats']) {
    expect(page).toContain(`gateway_upstream_attempts_total{upstream="${upstream}"} 0`)
    expect(page).toContain(
      `gateway_upstream_request_duration_seconds_count{upstream="${upstream}",http_response_status_code="0"} 0`,
    )
  }
  expect(page).toContain('gateway_client_aborts_total 0')
})

test('bytes of bodies that are sent are tallied, those that HEAD only tells of are not', async () => {
  using upstream = await cannedUpstream(OK)
  await using gateway = startGateway(upstream.url)
  await fetch(`${gateway.url}/dogs/`)
  expect(gateway.tally).toHaveProperty('sentBytes', 2)
  await fetch(`${gateway.url}/dogs/`, { method: 'HEAD' })
  expect(gateway.tally).toHaveProperty('sentBytes', 2)
})
