/** A listener and the file of its web configuration, which the test lets it read again. A running exporter is in listener.test.ts. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, mock, spyOn, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebConfigError } from '../config/web_config.ts'
import { MAX_TIMEOUT_MS } from '../stats/scrape.ts'
import { makeCertificate } from '../testing.ts'
import { CannotListen, Listener } from './listener.ts'

const folder = mkdtempSync(join(tmpdir(), 'exporter-listener-'))
const file = join(folder, 'web.yml')
const ANY = [{ hostname: '127.0.0.1', port: 0 }]
const log = { debug: mock(), info: mock(), warn: mock(), error: mock() }
let hash: string
beforeAll(async () => {
  await makeCertificate(folder, 'server')
  hash = await Bun.password.hash('secret', { algorithm: 'bcrypt', cost: 4 })
})
afterAll(() => rmSync(folder, { recursive: true }))

const TIMER = 4711
const timers = spyOn(globalThis, 'setInterval')
beforeEach(() => void timers.mockImplementation((() => TIMER) as never))
afterEach(() => {
  timers.mockReset()
  for (const each of Object.values(log)) each.mockClear()
})
afterAll(() => timers.mockRestore())

/** A listener with this file, and what lets it read the file again. */
async function listening(yaml: string) {
  await Bun.write(file, yaml)
  const listener = new Listener(ANY, file, async () => new Response('hello'), log)
  const [readAgain, ms] = timers.mock.calls[0] as unknown as [() => void, number]
  expect(ms).toBe(1000)
  const change = async (text: string) => {
    await Bun.write(file, text)
    readAgain()
  }
  const get = (init: BunFetchRequestInit = {}) => fetch(listener.urls[0]!, { keepalive: false, ...init })
  return { listener, readAgain, change, get }
}
const users = (name: string) => `basic_auth_users: { ${name}: ${hash} }`
const by = (name: string) => ({ headers: { Authorization: `Basic ${btoa(`${name}:secret`)}` } })

test('a file that stays the same is no change: passwords that were accepted are not checked again', async () => {
  const { listener, readAgain, get } = await listening(users('alice'))
  const verify = spyOn(Bun.password, 'verify')
  for (let time = 0; time < 3; time++) {
    expect((await get(by('alice'))).status).toBe(200)
    readAgain()
  }
  expect(verify).toHaveBeenCalledTimes(1)
  verify.mockRestore()
  expect(log.info).not.toHaveBeenCalled()
  await listener.stop()
})

test('a change of users or headers holds at once, without another socket', async () => {
  const { listener, change, get } = await listening(users('alice'))
  using serve = spyOn(Bun, 'serve')
  await change(`${users('bob')}\nhttp_server_config: { headers: { X-Frame-Options: deny } }`)
  expect(log.info.mock.calls).toEqual([[{ file }, 'the web configuration has changed']])
  expect((await get(by('alice'))).status).toBe(401)
  const response = await get(by('bob'))
  expect([response.status, response.headers.get('X-Frame-Options')]).toEqual([200, 'deny'])
  expect(serve).not.toHaveBeenCalled()
  await listener.stop()
})

test('a file that is wrong is told once for each problem, and changes nothing', async () => {
  const { listener, change, get } = await listening(users('alice'))
  const said = 'the web configuration is wrong; the previous one stays in use'
  const texts = ['rate_limit: {}', 'tls: {}', 'tls: {}', users('alice'), 'tls: {}']
  for (const text of texts) await change(text)
  expect(log.error.mock.calls.map(([, message]) => message)).toEqual([said, said, said])
  expect(log.error.mock.calls.map(([fields]) => (fields as { problem: string }).problem)).toEqual([
    'rate_limit is unknown, or not supported here',
    'tls is unknown, or not supported here',
    'tls is unknown, or not supported here',
  ])
  expect((await get(by('alice'))).status).toBe(200)
  expect(log.info).not.toHaveBeenCalled()
  await listener.stop()
})

test('TLS begins and ends with the file, on the same port', async () => {
  const { listener, change, get } = await listening('')
  const [plain] = listener.urls
  await change('tls_server_config: { cert_file: server.crt, key_file: server.key }')
  expect(listener.urls).toEqual([plain!.replace('http:', 'https:')])
  const tls = { ca: await Bun.file(join(folder, 'server.crt')).text() }
  expect(await (await get({ tls })).text()).toBe('hello')
  await change('')
  expect(listener.urls).toEqual([plain!])
  expect(await (await get()).text()).toBe('hello')
  using clear = spyOn(globalThis, 'clearInterval')
  await listener.stop()
  await expect(get()).rejects.toThrow()
  // It would listen again.
  expect(clear).toHaveBeenCalledWith(TIMER)
})

test('a request that is being answered while TLS changes gets its response', async () => {
  await Bun.write(file, '')
  const [asked, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<Response>()]
  const handler = () => {
    asked.resolve()
    return answered.promise
  }
  const listener = new Listener(ANY, file, handler, log)
  const [readAgain] = timers.mock.calls[0] as unknown as [() => void]
  const response = fetch(listener.urls[0]!, { keepalive: false })
  await asked.promise
  await Bun.write(file, 'tls_server_config: { cert_file: server.crt, key_file: server.key }')
  readAgain()
  expect(listener.urls[0]).toStartWith('https:')
  answered.resolve(new Response('whole'))
  expect(await (await response).text()).toBe('whole')
  await listener.stop()
})

test('a connection may be silent for as long as the longest scrape takes', async () => {
  using serve = spyOn(Bun, 'serve')
  const listener = new Listener(ANY, undefined, () => new Response(), log)
  const { idleTimeout } = serve.mock.calls[0]![0] as { idleTimeout: number }
  expect(idleTimeout * 1000).toBeGreaterThan(MAX_TIMEOUT_MS)
  // Bun's own limit.
  expect(idleTimeout).toBeLessThanOrEqual(255)
  await listener.stop()
})

test('an error of the handler is logged, and told to no client', async () => {
  const err = new Error('a secret')
  const listener = new Listener(ANY, undefined, () => Promise.reject(err), log)
  const response = await fetch(listener.urls[0]!)
  expect([response.status, await response.text()]).toEqual([500, 'internal error\n'])
  expect(log.error.mock.calls).toEqual([[{ err }, 'a request failed']])
  await listener.stop()
})

test('too many passwords at once are refused with the time to wait', async () => {
  const { listener, get } = await listening(users('alice'))
  const checked = Promise.withResolvers<boolean>()
  const verify = spyOn(Bun.password, 'verify').mockImplementation(() => checked.promise)
  const pending = Array.from({ length: 16 }, () => get(by('alice')))
  while (verify.mock.calls.length < 16) await Bun.sleep(1)
  const busy = await get(by('alice'))
  expect([busy.status, busy.headers.get('Retry-After')]).toEqual([429, '1'])
  expect(await busy.text()).toBe('too many passwords are being checked, try again\n')
  checked.resolve(false)
  for (const response of await Promise.all(pending)) {
    expect(response.status).toBe(401)
    expect(response.headers.get('WWW-Authenticate')).toBe('Basic realm="exporter", charset="UTF-8"')
  }
  verify.mockRestore()
  await listener.stop()
})

test('a file that is wrong at the start, and an address that is taken, are errors; other addresses are given back', async () => {
  await Bun.write(file, 'tls: {}')
  expect(() => new Listener(ANY, file, () => new Response(), log)).toThrow(WebConfigError)
  const taken = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response('other') })
  const free = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() })
  const addresses = [free, taken].map(({ port }) => ({ hostname: '127.0.0.1', port: port! }))
  await free.stop(true)
  const make = () => new Listener(addresses, undefined, () => new Response(), log)
  expect(make).toThrow(CannotListen)
  expect(make).toThrow(
    `port ${taken.port} is taken: stop what listens on it or give another with --web.listen-address`,
  )
  await expect(fetch(`http://127.0.0.1:${addresses[0]!.port}`)).rejects.toThrow()
  expect(
    () => new Listener([{ hostname: '192.0.2.1', port: 1 }], undefined, () => new Response(), log),
  ).toThrow('cannot listen on 192.0.2.1:1 (')
  expect(timers).not.toHaveBeenCalled()
  await taken.stop(true)
})
