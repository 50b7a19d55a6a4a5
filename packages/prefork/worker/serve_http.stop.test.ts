/** A server of `serveHttp` from its first request to its stop. Its counts are in serve_http.test.ts. */
import { afterEach, expect, test } from 'bun:test'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Address } from '../shared/app.ts'
import { RequestCounters } from '../shared/request_counters.ts'
import { temporaryFolder } from '../testdata/toys.ts'
import { serveHttp } from './serve_http.ts'

const FREE: Address = { hostname: '127.0.0.1', port: 0, reusePort: false }

afterEach(() => {
  RequestCounters.own = undefined
})

test('as a lame duck it says close in each response, of `fetch` and of routes, and not before', async () => {
  const served = serveHttp([FREE], {
    fetch: () => new Response('fetched'),
    routes: { '/fixed': new Response('fixed'), '/later': async () => new Response('later') },
  })
  const connections = async () => {
    const paths = ['', 'fixed', 'later']
    const responses = await Promise.all(paths.map((path) => fetch(`http://127.0.0.1:${served.port}/${path}`)))
    expect(await Promise.all(responses.map((each) => each.text()))).toEqual(['fetched', 'fixed', 'later'])
    return responses.map(({ headers }) => headers.get('connection'))
  }
  expect(await connections()).not.toContain('close')
  served.lameDuck()
  expect(await connections()).toEqual(['close', 'close', 'close'])
  await served.stop(true)
})

test('it serves each address, and is closed once, after the last response', async () => {
  const unix = join(temporaryFolder(), 'served.sock')
  const calls: string[] = []
  const release = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  const served = serveHttp([FREE, { unix }], {
    async fetch(request) {
      if (new URL(request.url).pathname === '/slow') {
        asked.resolve()
        await release.promise
        calls.push('answered')
      }
      return new Response('hello')
    },
    close: () => void calls.push('closed'),
  })
  expect(served.servers).toHaveLength(2)
  expect(await (await fetch('http://localhost/', { unix, keepalive: false })).text()).toBe('hello')
  const slow = fetch(`http://127.0.0.1:${served.port}/slow`, { keepalive: false })
  await asked.promise
  expect(served.inFlight!()).toBe(1)
  const stopped = served.stop(false)
  release.resolve()
  expect(await (await slow).text()).toBe('hello')
  await stopped
  expect(served.inFlight!()).toBe(0)
  await served.stop(true)
  expect(calls).toEqual(['answered', 'closed'])
  await expect(fetch('http://localhost/', { unix })).rejects.toThrow()
  rmSync(unix, { force: true })
})

test('an error that the app does not catch is told to no client, also not by a lame duck', async () => {
  const script = `
    const { serveHttp } = await import(${JSON.stringify(`${import.meta.dir}/serve_http.ts`)})
    const served = serveHttp([{ hostname: '127.0.0.1', port: 0, reusePort: false }], {
      fetch() { throw new Error('a secret') },
    })
    const ask = async () => {
      const response = await fetch('http://127.0.0.1:' + served.port)
      console.log(response.status, (await response.text()).includes('secret'))
    }
    await ask()
    served.lameDuck()
    await ask()
    process.exit()`
  await using child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe', stderr: 'ignore' })
  expect(await new Response(child.stdout).text()).toBe('500 false\n500 false\n')
})

test('a stop by force cuts off the requests that would not end', async () => {
  const asked = Promise.withResolvers<void>()
  const served = serveHttp([FREE], {
    idleTimeout: 0,
    fetch() {
      asked.resolve()
      return new Promise<Response>(() => {})
    },
  })
  const never = fetch(`http://127.0.0.1:${served.port}/`).catch(() => 'cut off')
  await asked.promise
  void served.stop(false)
  await served.stop(true)
  expect(await never).toBe('cut off')
})

test('the error of an address is thrown, and the other addresses are given back', async () => {
  const folder = temporaryFolder()
  const unix = join(folder, 'first.sock')
  const taken = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response('taken') })
  const addresses: Address[] = [{ unix }, { hostname: '127.0.0.1', port: taken.port!, reusePort: false }]
  expect(() => serveHttp(addresses, { fetch: () => new Response('hello') })).toThrow('in use')
  if (existsSync(unix)) await expect(fetch('http://localhost/', { unix })).rejects.toThrow()
  await taken.stop(true)
  rmSync(folder, { recursive: true })
})

test('the error of an app that cannot close is thrown by each stop', async () => {
  const served = serveHttp([FREE], {
    fetch: () => new Response(),
    close: () => Promise.reject(new Error('the disk is full')),
  })
  for (const force of [false, true]) await expect(served.stop(force)).rejects.toThrow('the disk is full')
})

test.each([
  [false, 2],
  [true, 0],
])(
  'with counters that the app has taken (%p) the server counts %d requests',
  async (isCountedByApp, requests) => {
    const counters = new RequestCounters()
    counters.isCountedByApp = isCountedByApp
    RequestCounters.own = counters
    const served = serveHttp([FREE], {
      fetch: () => new Response('12345'),
      routes: { '/fixed': new Response('12345') },
    })
    for (const path of ['', 'fixed']) await (await fetch(`http://127.0.0.1:${served.port}/${path}`)).text()
    expect(counters.sentBytes).toBe(requests * 5)
    await served.stop(true)
  },
)
