/** For tests: an account whose hash is cheap to check. */
import type { AdminAccount } from './sessions.ts'

export const PASSWORD = 'correct horse'

export const account: AdminAccount = {
  user: 'admin',
  passwordHash: await Bun.password.hash(PASSWORD, { algorithm: 'argon2id', memoryCost: 8, timeCost: 1 }),
}
