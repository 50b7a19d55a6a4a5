/** A running exporter with a web configuration: TLS, passwords, and changes of the file. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { TestProcess } from '@bun-monitoring/prefork/testing'
import { makeCertificate } from '../testing.ts'

const folder = mkdtempSync(join(tmpdir(), 'exporter-web-'))
const path = (name: string) => join(folder, name)
const tls = (name: string) => `tls_server_config: { cert_file: ${name}.crt, key_file: ${name}.key }`
let hash: string
setDefaultTimeout(120_000)

beforeAll(async () => {
  for (const name of ['first', 'second', 'client']) await makeCertificate(folder, name)
  hash = await Bun.password.hash('secret', { algorithm: 'bcrypt', cost: 4 })
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Writes a new file and renames it, as programs that renew certificates do. */
async function write(name: string, text: string): Promise<string> {
  await Bun.write(path(`${name}.new`), text)
  await rename(path(`${name}.new`), path(name))
  return path(name)
}

const start = (file: string, ...flags: string[]) =>
  new TestProcess([
    `${import.meta.dir}/../index.ts`,
    '--web.listen-address=127.0.0.1:0',
    `--web.config.file=${file}`,
    ...flags,
  ])

const get = (url: string, init: BunFetchRequestInit = {}) =>
  fetch(`${url}/-/healthy`, { keepalive: false, ...init })
const trusting = async (name: string, more: object = {}) => ({
  tls: { ca: await Bun.file(path(`${name}.crt`)).text(), ...more },
})

/** The common name of the server's certificate. */
function nameOf(url: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const socket = connect(
    { port: Number(new URL(url).port), host: '127.0.0.1', rejectUnauthorized: false },
    () => {
      resolve(String(socket.getPeerCertificate().subject.CN))
      socket.destroy()
    },
  )
  socket.on('error', reject)
  return promise
}

test('it speaks TLS, and only TLS', async () => {
  await using exporter = start(await write('tls.yml', tls('first')))
  const { url } = await exporter.ready()
  expect(url).toStartWith('https://127.0.0.1:')
  expect((await get(url, await trusting('first'))).status).toBe(200)
  await expect(get(url.replace('https', 'http'))).rejects.toThrow()
})

test('TLS 1.2 only with authenticated encryption', async () => {
  await using exporter = start(await write('suites.yml', tls('first')))
  const { url } = await exporter.ready()
  const isAccepted = (ciphers: string) => {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const options = { maxVersion: 'TLSv1.2', ciphers, rejectUnauthorized: false } as const
    const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', ...options }, () => {
      resolve(true)
      socket.destroy()
    })
    socket.on('error', () => resolve(false))
    return promise
  }
  const suites = ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305', 'AES128-SHA', 'AES256-SHA']
  const verdicts = await Promise.all(suites.map((suite) => isAccepted(`ECDHE-ECDSA-${suite}`)))
  expect(verdicts).toEqual([true, true, true, false, false])
})

test('a client without the right certificate gets nothing, where one is required', async () => {
  const file = await write(
    'mutual.yml',
    'tls_server_config: { cert_file: first.crt, key_file: first.key, client_ca_file: client.crt, client_auth_type: RequireAndVerifyClientCert }',
  )
  await using exporter = start(file)
  const { url } = await exporter.ready()
  const pair = async (name: string) => ({
    cert: await Bun.file(path(`${name}.crt`)).text(),
    key: await Bun.file(path(`${name}.key`)).text(),
  })
  expect((await get(url, await trusting('first', await pair('client')))).status).toBe(200)
  await expect(get(url, await trusting('first'))).rejects.toThrow()
  await expect(get(url, await trusting('first', await pair('second')))).rejects.toThrow()
})

describe('with users', () => {
  const basic = (text: string) => ({ headers: { Authorization: `Basic ${btoa(text)}` } })

  test('only users with their password pass, on every path, and every response has the configured headers', async () => {
    const file = await write(
      'users.yml',
      `{ basic_auth_users: { alice: '${hash}', bob: '${hash.replace('$2b$', '$2y$')}' }, http_server_config: { headers: { X-Frame-Options: deny } } }`,
    )
    await using exporter = start(file)
    const { url } = await exporter.ready()
    const statusOf = async (init?: BunFetchRequestInit) => (await get(url, init)).status
    expect(await statusOf()).toBe(401)
    for (const [text, status] of [
      ['alice:secret', 200],
      ['alice:secret', 200],
      ['bob:secret', 200],
      ['alice:wrong', 401],
      ['alice:', 401],
      ['alice', 401],
      ['eve:secret', 401],
      [':', 401],
      ['__proto__:secret', 401],
    ] as const)
      expect([text, await statusOf(basic(text))]).toEqual([text, status])
    expect(await statusOf({ headers: { Authorization: 'Bearer secret' } })).toBe(401)

    const refused = await fetch(`${url}/nowhere`)
    expect(refused.status).toBe(401)
    expect(refused.headers.get('WWW-Authenticate')).toStartWith('Basic')
    expect(refused.headers.get('X-Frame-Options')).toBe('deny')
  })

  test('a file that changes holds from the next requests on, and one that is wrong changes nothing', async () => {
    const file = await write('changing.yml', `basic_auth_users: { alice: '${hash}' }`)
    await using exporter = start(file)
    const { url } = await exporter.ready()
    expect((await get(url, basic('alice:secret'))).status).toBe(200)

    await write('changing.yml', 'basic_auth_users: { alice: secret }')
    expect(await exporter.line('the web configuration is wrong')).toMatchObject({
      problem: 'basic_auth_users.alice must be a bcrypt hash',
    })
    expect((await get(url, basic('alice:secret'))).status).toBe(200)

    await write('changing.yml', `basic_auth_users: { bob: '${hash}' }`)
    await exporter.line('the web configuration has changed')
    expect((await get(url, basic('alice:secret'))).status).toBe(401)
    expect((await get(url, basic('bob:secret'))).status).toBe(200)
  })
})

test('a renewed certificate is what the next connection sees, on the same port', async () => {
  const file = await write('renewed.yml', tls('served'))
  for (const kind of ['crt', 'key'])
    await write(`served.${kind}`, await Bun.file(path(`first.${kind}`)).text())
  await using exporter = start(file)
  const { url } = await exporter.ready()
  expect(await nameOf(url)).toBe('first')

  await write('served.crt', await Bun.file(path('second.crt')).text())
  await exporter.line('the web configuration is wrong')
  expect(await nameOf(url)).toBe('first')
  await write('served.key', await Bun.file(path('second.key')).text())
  await exporter.line('the web configuration has changed')
  expect(await nameOf(url)).toBe('second')
  expect((await get(url, await trusting('second'))).status).toBe(200)
})

test('it does not start with a file that is wrong: all of it told, exit code 2', async () => {
  await using exporter = start(await write('wrong.yml', '{ tls: {}, rate_limit: {} }'))
  expect(await exporter.exit()).toBe(2)
  expect(await exporter.stderr).toBe(
    `exporter: ${path('wrong.yml')} is wrong\n  tls is unknown, or not supported here\n  rate_limit is unknown, or not supported here\n`,
  )
})

test('a target over https is read if its certificate is trusted and for its name', async () => {
  const serve = (hostname: string) =>
    Bun.serve({
      hostname,
      port: 0,
      tls: { cert: Bun.file(path('first.crt')), key: Bun.file(path('first.key')) },
      fetch: () => Response.json({ workers: [] }),
    })
  // The certificate is for the first address and `localhost` only.
  const servers = ['127.0.0.1', '127.0.0.1', '127.0.0.2'].map(serve)
  const flags = ['127.0.0.1', 'localhost', '127.0.0.2'].map(
    (host, at) => `--stats.uri=https://${host}:${servers[at]!.port}/`,
  )
  const command = [`${import.meta.dir}/../index.ts`, '--web.listen-address=127.0.0.1:0', ...flags]
  await using trusts = new TestProcess(command, { NODE_EXTRA_CA_CERTS: path('first.crt') })
  await using doubts = new TestProcess(command)
  const problemsOf = async (exporter: TestProcess) => {
    const readings = await (await fetch(`${(await exporter.ready()).url}/workers.json`)).json()
    return (readings as { problem?: string }[]).map(({ problem = 'none' }) => problem)
  }
  expect(await problemsOf(trusts)).toEqual([
    'none',
    'none',
    'its certificate is not trusted (ERR_TLS_CERT_ALTNAME_INVALID)',
  ])
  expect((await problemsOf(doubts))[0]).toBe('its certificate is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT)')
  for (const server of servers) await server.stop(true)
})
