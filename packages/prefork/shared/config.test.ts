import { expect, test } from 'bun:test'
import { Type } from '@sinclair/typebox'
import {
  ConfigError,
  type Environment,
  nearest,
  processSettings,
  readConfig,
  settingsTable,
  variableName,
} from './config.ts'
import { automaticWorkers } from './parallelism.ts'

const schema = Type.Object({
  ...processSettings({ port: 8001, adminPort: 9001 }),
  databasePath: Type.String({ minLength: 1, default: 'pets.sqlite', description: 'file' }),
  url: Type.Optional(Type.String({ description: 'where it is' })),
})

const problemsOf = (env: Environment): readonly string[] => {
  try {
    readConfig(schema, 'DOGS', env)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
  }
  return []
}

test('without variables the defaults hold, and cannot be changed', () => {
  const config = readConfig(schema, 'DOGS', {})
  expect(config).toEqual({
    host: '127.0.0.1',
    port: 8001,
    sharePort: 'no',
    adminHost: '127.0.0.1',
    adminPort: 9001,
    workers: 2,
    bootTimeoutMs: 60_000,
    harakiriMs: 30_000,
    maxRequests: 0,
    maxRequestsDelta: 0,
    maxLifetimeMs: 0,
    reloadOnRssBytes: 0,
    lameDuckMs: 1500,
    drainMs: 10_000,
    metricsBytesPerWorker: 1_048_576,
    logLevel: 'info',
    databasePath: 'pets.sqlite',
  })
  expect(Object.isFrozen(config)).toBe(true)
})

test('variables win over defaults, empty ones count as absent, other prefixes are not ours', () => {
  const config = readConfig(schema, 'DOGS', {
    DOGS_PORT: '0',
    DOGS_ADMIN_HOST: '',
    DOGS_URL: 'http://x',
    CATS_PORT: 'x',
    PATH: '/bin',
  })
  expect(config).toMatchObject({ port: 0, adminHost: '127.0.0.1', url: 'http://x' })
})

test.each<[Environment, string[]]>([
  [{ DOGS_PORT: 'abc' }, ['DOGS_PORT="abc" is not allowed: must be an integer from 0 to 65535']],
  [{ DOGS_PORT: '65536' }, ['DOGS_PORT="65536" is not allowed: must be an integer from 0 to 65535']],
  [{ DOGS_PORT: '-1' }, ['DOGS_PORT="-1" is not allowed: must be an integer from 0 to 65535']],
  [{ DOGS_PORT: '80.5' }, ['DOGS_PORT="80.5" is not allowed: must be an integer from 0 to 65535']],
  [{ DOGS_PORT: '0x50' }, ['DOGS_PORT="0x50" is not allowed: must be an integer from 0 to 65535']],
  [
    { DOGS_LOG_LEVEL: 'loud' },
    ['DOGS_LOG_LEVEL="loud" is not allowed: must be one of debug, info, warn, error'],
  ],
  [{ DOGS_PROT: '1' }, ['DOGS_PROT is not a setting: did you mean DOGS_PORT?']],
  [{ DOGS_WORKERS: '-2' }, ['DOGS_WORKERS="-2" is not allowed: must be an integer from 0 to 1000, or auto']],
  [
    { DOGS_PORT: 'x', DOGS_DATABASE_PAHT: 'y', DOGS_DRAIN_MS: '1e3' },
    [
      'DOGS_PORT="x" is not allowed: must be an integer from 0 to 65535',
      'DOGS_DRAIN_MS="1e3" is not allowed: must be an integer from 0 to 604800000',
      'DOGS_DATABASE_PAHT is not a setting: did you mean DOGS_DATABASE_PATH?',
    ],
  ],
])('%j is refused with all its problems', (env, problems) => {
  expect(problemsOf(env)).toEqual(problems)
})

test('WORKERS=auto is the number of processors, and auto is no value of other settings', () => {
  expect(readConfig(schema, 'DOGS', { DOGS_WORKERS: 'auto' }).workers).toBe(automaticWorkers())
  expect(problemsOf({ DOGS_MAX_WORKERS: 'auto', DOGS_WORKERS: 'AUTO' })).toEqual([
    'DOGS_WORKERS="AUTO" is not allowed: must be an integer from 0 to 1000, or auto',
    'DOGS_MAX_WORKERS="auto" is not allowed: must be an integer from 1 to 1000',
  ])
})

test('names follow the prefix', () => {
  expect(variableName('DOGS', 'adminPort')).toBe('DOGS_ADMIN_PORT')
  expect(nearest('DOGS_HSOT', ['DOGS_PORT', 'DOGS_HOST'])).toBe('DOGS_HOST')
})

test('the table has a row for every setting', () => {
  const table = settingsTable(schema, 'DOGS')
  for (const key of Object.keys(schema.properties))
    expect(table).toContain(`\`${variableName('DOGS', key)}\``)
})
