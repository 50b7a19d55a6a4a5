import { expect, test } from 'bun:test'
import { setAdminPassword } from './password.ts'

test('services without a password get a new one, others keep theirs', async () => {
  const env: Record<string, string> = { CATS_ADMIN_PASSWORD_HASH: 'kept' }
  const password = (await setAdminPassword(env, ['DOGS', 'CATS']))!
  expect(password).toMatch(/^[\w-]{16}$/)
  expect(env.CATS_ADMIN_PASSWORD_HASH).toBe('kept')
  expect(env.DOGS_ADMIN_PASSWORD_HASH).toStartWith('$argon2id$')
  expect(await Bun.password.verify(password, env.DOGS_ADMIN_PASSWORD_HASH!)).toBe(true)
  expect(await setAdminPassword({}, ['DOGS'])).not.toBe(password)
  expect(await setAdminPassword(env, ['DOGS', 'CATS'])).toBeUndefined()
})
