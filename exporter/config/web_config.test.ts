/** How the file of --web.config.file is read. Its effect on a running exporter is in web/listener.test.ts. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeCertificate } from '../testing.ts'
import { readWebConfig, WebConfigError } from './web_config.ts'

const folder = mkdtempSync(join(tmpdir(), 'exporter-web-'))
const file = join(folder, 'web.yml')
beforeAll(async () => {
  for (const name of ['server', 'other']) await makeCertificate(folder, name)
})
afterAll(() => rmSync(folder, { recursive: true }))

const HASH = `$2y$10$${'a'.repeat(53)}`

async function read(yaml: string) {
  await Bun.write(file, yaml)
  try {
    return readWebConfig(file)
  } catch (error) {
    if (error instanceof WebConfigError) return error.problems
    throw error
  }
}

test('an empty file is plain HTTP without passwords', async () => {
  expect(await read('')).toEqual({ tls: undefined, users: new Map(), headers: {} })
})

test('a section without keys is as good as none', async () => {
  expect(await read('tls_server_config:\nhttp_server_config: { headers: }\nbasic_auth_users:')).toEqual({
    tls: undefined,
    users: new Map(),
    headers: {},
  })
})

test('certificate and key are found relative to the file, users and headers are read', async () => {
  const web = await read(`
    tls_server_config: { cert_file: server.crt, key_file: server.key, min_version: TLS12 }
    http_server_config: { http2: true, headers: { X-Frame-Options: deny, X-XSS-Protection: '' } }
    basic_auth_users: { alice: ${HASH} }`)
  expect(web).toEqual({
    tls: {
      cert: await Bun.file(join(folder, 'server.crt')).text(),
      key: await Bun.file(join(folder, 'server.key')).text(),
      ciphers: expect.any(String) as never,
      requestCert: false,
      rejectUnauthorized: false,
    },
    users: new Map([['alice', HASH]]),
    headers: { 'X-Frame-Options': 'deny' },
  })
})

test('a client CA makes a certificate of the client required', async () => {
  const web = await read(`
    tls_server_config:
      cert_file: server.crt
      key_file: ${join(folder, 'server.key')}
      client_auth_type: RequireAndVerifyClientCert
      client_ca_file: other.crt`)
  expect(web).toMatchObject({ tls: { requestCert: true, rejectUnauthorized: true, ca: expect.any(String) } })
})

describe('every problem is reported', () => {
  test.each([
    ['tls_server_config: { cert_file: 5 }', ['tls_server_config.cert_file must be a string']],
    ['{', [`${file}: YAML Parse error: Unexpected token`]],
    ['[]', ['the file must be a list of keys and values']],
    ['basic_auth_users: { alice: }', ['basic_auth_users.alice must be a bcrypt hash']],
    ['basic_auth_users: { a/b~c: secret }', ['basic_auth_users.a/b~c must be a bcrypt hash']],
    ['http_server_config: []', ['http_server_config must be a list of keys and values']],
    ['tls: {}', ['tls is unknown, or not supported here']],
    ['rate_limit: { burst: 5 }', ['rate_limit is unknown, or not supported here']],
    ['basic_auth_users: [alice]', ['basic_auth_users must be a list of keys and values']],
    ['basic_auth_users: { alice: secret }', ['basic_auth_users.alice must be a bcrypt hash']],
    ['http_server_config: { http2: 1 }', ['http_server_config.http2 must be true or false']],
    [
      'http_server_config: { headers: { X-Other: a } }',
      ['http_server_config.headers.X-Other is unknown, or not supported here'],
    ],
    [
      'http_server_config: { headers: { X-Frame-Options: no } }',
      ['http_server_config.headers.X-Frame-Options must be deny or sameorigin or ""'],
    ],
    [
      'http_server_config: { headers: { Content-Security-Policy: "a\\nb", X-XSS-Protection: é, Strict-Transport-Security: 1 } }',
      ['Content-Security-Policy', 'X-XSS-Protection', 'Strict-Transport-Security'].map(
        (name) => `http_server_config.headers.${name} must be one line of ASCII text`,
      ),
    ],
    ['tls_server_config: { cert_file: server.crt }', ['tls_server_config needs key_file or key']],
    ['tls_server_config: { key_file: server.key }', ['tls_server_config needs cert_file or cert']],
    [
      'tls_server_config: { min_version: TLS12 }',
      ['tls_server_config needs cert_file or cert', 'tls_server_config needs key_file or key'],
    ],
    [
      'tls_server_config: { client_auth_type: RequestClientCert, cipher_suites: [] }',
      [
        'tls_server_config.cipher_suites is unknown, or not supported here',
        'tls_server_config.client_auth_type must be NoClientCert or RequireAndVerifyClientCert',
      ],
    ],
    [
      'tls_server_config: { cert_file: server.crt, key_file: server.key, min_version: TLS10 }',
      ['tls_server_config.min_version must be TLS12'],
    ],
    [
      'tls_server_config: { cert: a, cert_file: server.crt, key_file: server.key }',
      ['cert and cert_file are both given'],
    ],
    [
      'tls_server_config: { cert_file: server.crt, key_file: server.key, client_ca_file: other.crt }',
      ['client_ca needs client_auth_type: RequireAndVerifyClientCert'],
    ],
    [
      'tls_server_config: { cert_file: server.crt, key_file: server.key, client_auth_type: RequireAndVerifyClientCert }',
      ['RequireAndVerifyClientCert needs client_ca_file or client_ca'],
    ],
  ])('%s', async (yaml, problems) => {
    expect(await read(yaml)).toEqual(problems)
  })

  test('a missing file, and the key of another certificate', async () => {
    expect(await read('tls_server_config: { cert_file: none.crt, key_file: server.key }')).toEqual([
      expect.stringMatching(/^cert_file: ENOENT/),
    ])
    expect(await read('tls_server_config: { cert_file: server.crt, key_file: other.key }')).toEqual([
      expect.stringContaining('KEY_VALUES_MISMATCH'),
    ])
  })
})
