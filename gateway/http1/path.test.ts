/**
 * Attack: path normalisation. A path that gateway and upstream read differently would bypass the routes. Such a path is
 * rejected; every other one reaches the upstream byte for byte.
 */
import { describe, expect, test } from 'bun:test'
import { rawClient, recordingUpstream, startGateway } from '../testing.ts'

describe('rejected with 400', () => {
  test.each([
    '/dogs/../cats/',
    '/dogs/..',
    '/dogs/./',
    '/dogs/.',
    '/dogs/%2e%2e/cats/',
    '/dogs/%2E./cats',
    '/dogs/.%2e',
    '/dogs/..;/cats/',
    '/dogs/.;a=b/',
    '//dogs/',
    '/dogs//1',
    '/dogs%2f1',
    '/dogs/%5c..%5ccats',
    '/dogs\\cats',
    '/dogs/%00',
    '/dogs/%0d%0aSet-Cookie:a',
    '/dogs/%7f',
    '/dogs/%',
    '/dogs/%2',
    '/dogs/%zz',
  ])('%s', async (path) => {
    using upstream = await recordingUpstream()
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(gateway.port, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
    expect(await client.untilClosed()).toStartWith('HTTP/1.1 400 ')
    expect(await gateway.metric('gateway_rejections_total{reason="path"}')).toBe(1)
    expect(upstream.requests).toEqual([])
  })

  test.each([
    '/dogs/#a',
    '/dogs/"',
    '/dogs/?a=<',
    '/dogs/>',
    '/dogs/\xe4',
    '/dogs/\x7f',
    'dogs/',
    'https://a/dogs/',
    '*',
    '',
  ])('the target "%s"', async (target) => {
    using upstream = await recordingUpstream()
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(
      gateway.port,
      Buffer.from(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`, 'latin1'),
    )
    expect(await client.untilClosed()).toStartWith('HTTP/1.1 400 ')
    expect(await gateway.metric('gateway_rejections_total{reason="request_line"}')).toBe(1)
    expect(upstream.requests).toEqual([])
  })
})

describe('forwarded unchanged', () => {
  test.each([
    '/dogs',
    '/dogs?',
    '/dogs/?next=/../%2e%2e//\\%00',
    '/dogs/%20%e4',
    '/dogs/...',
    '/dogs/.a/b..',
    '/dogs/a;b=c',
    '/d%6fgs/%31',
    '/%64ogs',
    "/dogs/[a]|{b}^`!$&'()*+,=:@~",
  ])('%s', async (target) => {
    using upstream = await recordingUpstream()
    await using gateway = startGateway(upstream.url)
    await gateway.ask(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`, /[\da-f]{40}$/)
    expect(upstream.requests.map((request) => request.target)).toEqual([target])
    expect(await gateway.counted()).toEqual({ 'GET dogs 200': 1 })
  })
})

describe('on a route with encoded_slashes = "pass"', () => {
  const routes = [{ id: 'dogs', path: '/dogs', upstream: 'dogs', encoded_slashes: 'pass' as const }]
  const ask = async (path: string) => {
    using upstream = await recordingUpstream()
    await using gateway = startGateway(upstream.url, { routes })
    const response = await gateway.ask(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`, /[\da-f]{40}$|\}$/)
    return [response.slice(9, 12), ...upstream.requests.map((request) => request.target)]
  }

  test.each([
    '/dogs/%2F/q',
    '/dogs/@types%2fnode',
    '/dogs/fetch/https://ex.example/a.png',
    '/dogs/a%5Cb',
    '/dogs//',
    '/dogs/%2f%2F',
    '/d%6fgs/%7e//a',
    '/dogs/a..%2fb',
  ])('%s is forwarded unchanged', async (path) => expect(await ask(path)).toEqual(['200', path]))

  test.each([
    '/dogs/..%2fcats',
    '/dogs/%2e%2E%2Fcats',
    '/dogs/a%2f..',
    '/dogs/a%2f.%2fb',
    '/dogs/%5c..%5ccats',
    '/dogs/..;a%2fb',
    '/dogs/a\\b',
    '/dogs/%00%2f',
    '/dogs//../a',
    '/dogs%2f1',
    '//dogs/1',
    '/cats/%2f',
  ])('%s is rejected with 400', async (path) => expect(await ask(path)).toEqual(['400']))
})

test.each([
  [{ strip: true }, '/dogs/1/?a=/dogs', '/1/?a=/dogs'],
  [{ strip: true }, '/dogs', '/'],
  [{ strip: true }, '/dogs?a', '/?a'],
  [{ strip: true }, '/dogs/%7Erex/%31', '/%7Erex/%31'],
  [{ path: '/', rewrite: '/v2' }, '/dogs/1', '/v2/dogs/1'],
  [{ path: '/', strip: true }, '/dogs/1', '/dogs/1'],
  [{ rewrite: '/v2/pets' }, '/dogs/1', '/v2/pets/1'],
  [{ rewrite: '/v2/pets' }, '/dogs', '/v2/pets'],
  [{ rewrite: '/v2/pets' }, 'http://a/dogs/1?b', '/v2/pets/1?b'],
])('a route with %j sends %s as %s', async (change, target, sent) => {
  using upstream = await recordingUpstream()
  await using gateway = startGateway(upstream.url, {
    routes: [{ id: 'dogs', path: '/dogs', upstream: 'dogs', ...change }],
  })
  await gateway.ask(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`, /[\da-f]{40}$/)
  expect(upstream.requests.map((request) => request.target)).toEqual([sent])
})

test('a prefix is cut off only if it is spelled as the route spells it', async () => {
  using upstream = await recordingUpstream()
  await using gateway = startGateway(upstream.url, {
    routes: [{ id: 'dogs', path: '/dogs', upstream: 'dogs', strip: true }],
  })
  expect(await gateway.ask('GET /d%6fgs/1 HTTP/1.1\r\nHost: a\r\n\r\n', /\}$/)).toStartWith('HTTP/1.1 400 ')
  expect(upstream.requests).toEqual([])
})
