import { expect, test } from 'bun:test'
import { addressProblems } from './address_settings.ts'

const settings = { host: '127.0.0.1', port: 8080, adminHost: '127.0.0.1', adminPort: 9080 }
const problemsOf = (given: Partial<typeof settings>) => addressProblems({ ...settings, ...given }, 'TOYS')

test.each([
  '127.0.0.1',
  '0.0.0.0',
  '::',
  '::1',
  'fe80::1%eth0',
  'localhost',
  'a',
  'my-host.example',
  'my_host',
  'a.',
])('%s is a host', (host) => {
  expect(problemsOf({ host })).toEqual([])
  expect(problemsOf({ adminHost: host })).toEqual([])
})

test.each(['[::1]', '*', 'localhost:80', 'http://localhost', 'my host', '-a', 'a-', '127.0.0.1/8', ':::1'])(
  '%s is not a host',
  (host) => {
    const why = 'is not allowed: must be an address (IPv6 without brackets) or a host name'
    expect(problemsOf({ host })).toEqual([`TOYS_HOST=${JSON.stringify(host)} ${why}`])
    expect(problemsOf({ adminHost: host })).toEqual([`TOYS_ADMIN_HOST=${JSON.stringify(host)} ${why}`])
  },
)

test.each<[string, Partial<typeof settings>, boolean]>([
  ['one port of one address', { adminPort: 8080 }, true],
  ['one port of all addresses and one', { host: '0.0.0.0', adminPort: 8080 }, true],
  ['one port of one address and all', { adminHost: '::', adminPort: 8080 }, true],
  ['one port of two addresses', { adminHost: '127.0.0.2', adminPort: 8080 }, false],
  ['two ports', { adminPort: 8081 }, false],
  ['free ports', { port: 0, adminPort: 0 }, false],
])('%s', (_, given, isProblem) => {
  const { port } = { ...settings, ...given }
  const problem = `TOYS_PORT and TOYS_ADMIN_PORT are both ${port}: set one to another port`
  expect(problemsOf(given)).toEqual(isProblem ? [problem] : [])
})
