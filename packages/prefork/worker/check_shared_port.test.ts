/** An app whose server cannot share its port ends the start with one clear error. */
import { expect, setDefaultTimeout, spyOn, test } from 'bun:test'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../shared/bind.ts'
import { temporaryFolder, Toys } from '../testdata/toys.ts'
import { checkSharedPort } from './check_shared_port.ts'

/** Real processes on a machine that may be busy. */
setDefaultTimeout(120_000)

const express = (env: Record<string, string>, folder = temporaryFolder()) =>
  new Toys(env, folder, 'node_http.ts')

test.each(['1', '2'])(
  'an app on node:http with %s workers does not start, and the error says what works',
  async (workers) => {
    await using cluster = express({ TOYS_WORKERS: workers })
    expect(await cluster.exit()).toBe(3)
    const { msg } = await cluster.line('the app listens on port')
    for (const words of [
      'oven-sh/bun#43690',
      'Express',
      'Elysia',
      'Hono',
      'TOYS_SOCKET_DIR',
      'TOYS_WORKERS=0',
    ])
      expect(msg).toContain(words)
    expect(cluster.lines('port ')).toEqual([])
  },
)

test('an app on node:http starts with WORKERS=0', async () => {
  await using cluster = express({ TOYS_WORKERS: '0' })
  const { url } = await cluster.ready()
  expect(await (await fetch(url)).text()).toBe('hello')
})

test('an app on node:http starts on the sockets of slots', async () => {
  const folder = temporaryFolder()
  await using cluster = express({ TOYS_WORKERS: '2', TOYS_SOCKET_DIR: folder }, folder)
  await cluster.ready()
  const sockets = readdirSync(folder).filter((file) => file.endsWith('.sock'))
  expect(sockets).toHaveLength(2)
  for (const socket of sockets) {
    expect(await (await fetch('http://toys/', { unix: join(folder, socket) })).text()).toBe('hello')
  }
})

test('an app that has a listener or a socket is not waited for', async () => {
  using sleep = spyOn(Bun, 'sleep')
  using listener = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    reusePort: true,
    socket: { data() {} },
  } as never)
  await checkSharedPort((listener as Bun.TCPSocketListener<unknown>).port, 'TOYS')
  await checkSharedPort(freePort(), 'TOYS', import.meta.path)
  expect(sleep).not.toHaveBeenCalled()
})
