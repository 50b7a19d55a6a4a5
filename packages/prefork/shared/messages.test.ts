/** How a process learns that it is a worker. */
import { expect, test } from 'bun:test'
import { type Role, roleVariable, takeRole } from './messages.ts'

const ROLE: Role = { slot: 2, region: 3, segment: '/the/segment', addresses: [{ unix: '/s' }], prepare: true }

test('a process with the variable is a worker, with the role that its master gave it', () => {
  expect(takeRole({ ...roleVariable(ROLE), PATH: '/bin' })).toEqual(ROLE)
  expect(takeRole({ PATH: '/bin' })).toBeUndefined()
})

test('the variable is gone afterwards, so that a child of the worker is no worker', () => {
  const env: Record<string, string | undefined> = { ...roleVariable(ROLE), PATH: '/bin' }
  takeRole(env)
  expect(env).toEqual({ PATH: '/bin' })
})
