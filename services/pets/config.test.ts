/** The settings of a service without an environment, and what is made of them. */
import { expect, test } from 'bun:test'
import { adminOf, hostsOf, serviceConfig } from './config.ts'
import { testKind } from './testing.ts'

test('each setting has its default', () => {
  expect(serviceConfig(testKind, {})).toMatchObject({
    port: 8001,
    adminPort: 9001,
    databasePath: 'data/dogs.sqlite',
    databasePool: 5,
    databaseConnectTimeoutMs: 1000,
    databaseStatementTimeoutMs: 5000,
    bodyBytes: 2 ** 20,
    requestTimeoutMs: 30_000,
    adminUser: 'admin',
    faultSlowPercent: 0,
    faultSlowMs: 2000,
    faultFailPercent: 0,
    faultBlockPercent: 0,
    faultBlockMs: 200,
  })
})

test('names of hosts are read in any case, with spaces', () => {
  const hosts = (text: string) => hostsOf(serviceConfig(testKind, { DOGS_HOSTS: text }))
  expect(hosts('Pets.Example , .pets.example')).toEqual(['pets.example', '.pets.example'])
  expect(hostsOf(serviceConfig(testKind, {}))).toEqual([])
})

test('the admin page has an account if it has a password', () => {
  expect(adminOf(serviceConfig(testKind, {}))).toBeUndefined()
  const passwordHash = '$argon2id$v=19$m=1,t=1,p=1$a$b'
  const env = { DOGS_ADMIN_PASSWORD_HASH: passwordHash, DOGS_ADMIN_USER: 'root' }
  expect(adminOf(serviceConfig(testKind, env))).toEqual({ user: 'root', passwordHash })
})
