/** Which passwords are accepted, and what a client costs that tries many. */
import { afterEach, beforeAll, expect, spyOn, test } from 'bun:test'
import { BasicAuth } from './auth.ts'

let hash: string
beforeAll(async () => {
  hash = await Bun.password.hash('secret', { algorithm: 'bcrypt', cost: 4 })
})
const verify = spyOn(Bun.password, 'verify')
afterEach(() => verify.mockClear())

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
const authOf = () => new BasicAuth(new Map([['alice', hash]]))

test('without users every request passes, and no password is checked', async () => {
  expect(await new BasicAuth(new Map()).check(null)).toBe('accepted')
  expect(verify).not.toHaveBeenCalled()
})

test('an accepted password is checked once, a rejected one each time', async () => {
  const auth = authOf()
  for (let i = 0; i < 3; i++) expect(await auth.check(basic('alice:secret'))).toBe('accepted')
  expect(verify).toHaveBeenCalledTimes(1)
  for (let i = 0; i < 3; i++) expect(await auth.check(basic('alice:wrong'))).toBe('rejected')
  expect(verify).toHaveBeenCalledTimes(4)
})

test('each request of an unknown user is checked like one of a known user', async () => {
  const auth = authOf()
  for (const user of ['eve', 'eve', 'mallory'])
    expect(await auth.check(basic(`${user}:secret`))).toBe('rejected')
  expect(verify.mock.calls).toEqual([
    ['secret', hash],
    ['secret', hash],
    ['secret', hash],
  ])
})

test('an unknown user is not accepted with an accepted password', async () => {
  const auth = authOf()
  expect(await auth.check(basic('alice:secret'))).toBe('accepted')
  expect(await auth.check(basic('eve:secret'))).toBe('rejected')
  expect(await auth.check(basic('undefined:secret'))).toBe('rejected')
})

test('while many wrong passwords are checked, an accepted one passes at once, and more are refused unchecked', async () => {
  const auth = authOf()
  await auth.check(basic('alice:secret'))
  verify.mockClear()
  const blocked = Promise.withResolvers<boolean>()
  verify.mockImplementation(() => blocked.promise)
  const attempts = Array.from({ length: 1500 }, (_, i) => auth.check(basic(`alice:${i}`)))
  expect(await auth.check(basic('alice:secret'))).toBe('accepted')
  expect(verify).toHaveBeenCalledTimes(16)
  blocked.resolve(false)
  const verdicts = Map.groupBy(await Promise.all(attempts), (verdict) => verdict)
  expect([verdicts.get('rejected')?.length, verdicts.get('busy')?.length]).toEqual([16, 1484])
  verify.mockRestore()
  expect(await auth.check(basic('alice:wrong'))).toBe('rejected')
})

test('an empty password is rejected', async () => {
  expect(await authOf().check(basic('alice:'))).toBe('rejected')
  expect(await authOf().check(basic('alice'))).toBe('rejected')
})

test('a request without a user and password is rejected unchecked', async () => {
  for (const header of [null, 'Bearer secret', 'Basic', 'Basic !'])
    expect(await authOf().check(header)).toBe('rejected')
  expect(verify).not.toHaveBeenCalled()
})
