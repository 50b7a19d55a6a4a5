/**
 * Log-in to the admin page: checks the password, slows guesses down, and signs the cookie of a session. The key comes from
 * the hash of the password, so that all workers and replicas accept a session, and a new password ends all of them.
 */
import { timingSafeEqual } from 'node:crypto'

export interface AdminAccount {
  user: string
  /** argon2id */
  passwordHash: string
}

export interface Session {
  user: string
  /** Part of every form: a page that cannot read it cannot send the form. */
  csrf: string
}

export const SESSION_MS = 8 * 3_600_000

/** Failed log-ins in a row that are not slowed down. */
const FREE_FAILURES = 5

/** The longest time without log-ins after a failed one. */
const MAX_PAUSE_MS = 60_000

/** argon2id takes much memory: passwords are checked one after the other, and few may wait. */
const MAX_CHECKS = 4

type LogIn = { cookie: string } | { retryAfterSeconds: number } | undefined

export class Sessions {
  readonly #account: AdminAccount
  readonly #name: string
  readonly #now: () => number
  #failures = 0
  #pausedUntilMs = 0
  #checks = 0
  #lastCheck: Promise<unknown> = Promise.resolve()

  /** @param name of the cookie */
  constructor(account: AdminAccount, name: string, now = Date.now) {
    this.#account = account
    this.#name = name
    this.#now = now
  }

  /**
   * @param path of the pages that get the cookie
   * @returns the cookie; the time to wait after too many failures; or `undefined` for a wrong user or password.
   */
  async logIn(user: string, password: string, path: string, isSecure: boolean): Promise<LogIn> {
    const pauseMs = this.#pausedUntilMs - this.#now()
    if (pauseMs > 0) return { retryAfterSeconds: Math.ceil(pauseMs / 1000) }
    if (this.#checks >= MAX_CHECKS) return { retryAfterSeconds: 1 }
    this.#checks++
    const check = this.#lastCheck.then(() => this.#isRight(user, password))
    this.#lastCheck = check.catch(() => undefined)
    const isRight = await check.finally(() => this.#checks--)
    if (isRight) {
      this.#failures = 0
      return { cookie: this.#cookie(path, isSecure) }
    }
    this.#failures++
    const excess = this.#failures - FREE_FAILURES
    if (excess >= 0) this.#pausedUntilMs = this.#now() + Math.min(1000 * 2 ** excess, MAX_PAUSE_MS)
    return undefined
  }

  /** The session of a cookie field, unless its signature is wrong or its time is over. */
  read(cookies: string | null): Session | undefined {
    const value = cookies
      ?.split(';')
      .map((cookie) => cookie.trim())
      .find((cookie) => cookie.startsWith(`${this.#name}=`))
      ?.slice(this.#name.length + 1)
    const [expires = '', nonce = '', signature = ''] = value?.split('.') ?? []
    if (!areEqual(signature, this.#sign(`session ${expires}.${nonce}`))) return undefined
    if (!(this.#now() < Number(expires))) return undefined
    return { user: this.#account.user, csrf: this.#sign(`csrf ${expires}.${nonce}`) }
  }

  /** A cookie that removes the session from the browser. */
  endCookie(path: string): string {
    return `${this.#name}=; Path=${path}; HttpOnly; SameSite=Strict; Max-Age=0`
  }

  /** An unknown user takes as long as a wrong password. */
  async #isRight(user: string, password: string): Promise<boolean> {
    const isPassword = await Bun.password.verify(password === '' ? ' ' : password, this.#account.passwordHash)
    return areEqual(user, this.#account.user) && isPassword && password !== ''
  }

  #cookie(path: string, isSecure: boolean): string {
    const value = `${this.#now() + SESSION_MS}.${crypto.randomUUID()}`
    const attributes = `Path=${path}; HttpOnly; SameSite=Strict; Max-Age=${SESSION_MS / 1000}`
    const signed = `${value}.${this.#sign(`session ${value}`)}`
    return `${this.#name}=${signed}; ${attributes}${isSecure ? '; Secure' : ''}`
  }

  #sign(text: string): string {
    return new Bun.CryptoHasher('sha256', `admin ${this.#account.passwordHash}`)
      .update(text)
      .digest('base64url')
  }
}

export function areEqual(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => new Bun.CryptoHasher('sha256').update(text).digest())
  return timingSafeEqual(left!, right!)
}
