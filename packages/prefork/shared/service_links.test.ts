import { expect, test } from 'bun:test'
import { Type } from '@sinclair/typebox'
import { ConfigError, processSettings, readConfig } from './config.ts'
import { serviceLinks } from './service_links.ts'

/** What Kubernetes sets for a Service with one port. */
const linksOf = (service: string) => ({
  [`${service}_SERVICE_HOST`]: '10.0.0.1',
  [`${service}_SERVICE_PORT`]: '80',
  [`${service}_SERVICE_PORT_HTTP`]: '80',
  [`${service}_PORT`]: 'tcp://10.0.0.1:80',
  [`${service}_PORT_80_TCP`]: 'tcp://10.0.0.1:80',
  [`${service}_PORT_80_TCP_PROTO`]: 'tcp',
  [`${service}_PORT_80_TCP_PORT`]: '80',
  [`${service}_PORT_80_TCP_ADDR`]: '10.0.0.1',
})
const schema = Type.Object(processSettings({ port: 8080, adminPort: 9080 }))

test.each(['HELLO', 'HELLO_CANARY', 'HELLO_ADMIN'])(
  'the variables of a Service %s are no settings',
  (service) => {
    const env = linksOf(service)
    expect(serviceLinks('HELLO', env).sort()).toEqual(Object.keys(env).sort())
    expect(readConfig(schema, 'HELLO', env)).toMatchObject({ port: 8080, adminPort: 9080 })
  },
)

test('a port that is set as a number is a setting beside a Service of the name', () => {
  const env = { ...linksOf('HELLO'), HELLO_PORT: '8081' }
  expect(serviceLinks('HELLO', env)).not.toContain('HELLO_PORT')
  expect(readConfig(schema, 'HELLO', env).port).toBe(8081)
})

test('a bad port beside a Service of the name is a problem', () => {
  expect(() => readConfig(schema, 'HELLO', { ...linksOf('HELLO'), HELLO_PORT: 'x' })).toThrow(ConfigError)
})

test.each(['HELLO_SERVICE_PORT', 'HELLO_PORT_80_TCP', 'HELLO_PORT'])(
  '%s without a Service is a problem',
  (name) => {
    const env = { [name]: 'tcp://10.0.0.1:80' }
    expect(serviceLinks('HELLO', env)).toEqual([])
    expect(() => readConfig(schema, 'HELLO', env)).toThrow(ConfigError)
  },
)

test('an unknown name beside a Service of the name is a problem', () => {
  expect(() => readConfig(schema, 'HELLO', { ...linksOf('HELLO'), HELLO_PROT: '1' })).toThrow('HELLO_PROT')
})

test('variables of other Services are not looked at', () => {
  expect(serviceLinks('HELLO', { ...linksOf('HELLOS'), ...linksOf('OTHER') })).toEqual([])
})
