import { expect, test } from 'bun:test'
import { SQL } from 'bun'
import { Unavailable } from '../store/store.ts'
import { isHopeless, isReadOnly, translated } from './errors.ts'

/** An error of the server with this SQLSTATE, or one of Bun's client with its code. */
const errorOf = (code: string) =>
  new SQL.PostgresError(
    'a',
    (code.startsWith('ERR_') ? { code } : { code: 'ERR_POSTGRES_SERVER_ERROR', errno: code }) as never,
  )

test.each([
  ...['53300', '53100', '40001', '40P01', '55P03', '57014', '25006'].map(
    (code) => [code, 'nothing was changed'] as const,
  ),
  ...[
    '57P01',
    '57P02',
    '57P03',
    '08006',
    '08003',
    'ERR_POSTGRES_CONNECTION_CLOSED',
    'ERR_POSTGRES_IDLE_TIMEOUT',
  ].map((code) => [code, 'it is not known whether a change was made'] as const),
])('%s is an outage: %s', (code, message) => {
  const error = translated(errorOf(code)) as Unavailable
  expect(error).toBeInstanceOf(Unavailable)
  expect(error.message).toContain(message)
  expect(error.code).toBe(code)
})

test.each(['23505', '42P01', '22001', 'ERR_POSTGRES_SYNTAX_ERROR'])('%s is no outage', (code) => {
  const error = errorOf(code)
  expect(translated(error)).toBe(error)
})

test.each([
  ['28P01', true, false],
  ['28000', true, false],
  ['3D000', true, false],
  ['42501', true, false],
  ['57P03', false, false],
  ['25006', false, true],
])('%s: a log-in that fails again: %p, a server that takes no writes: %p', (code, hopeless, readOnly) => {
  expect([isHopeless(errorOf(code)), isReadOnly(errorOf(code))]).toEqual([hopeless, readOnly])
})
