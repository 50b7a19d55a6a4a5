/** Basic authentication (RFC 7617) with bcrypt hashes. A hash takes tens of milliseconds, so results are kept. */

/** Limits the memory when a client tries many passwords. */
const KEPT_VERDICTS = 1000

export class BasicAuth {
  readonly #hashes: ReadonlyMap<string, string>
  readonly #verdicts = new Map<string, Promise<boolean>>()

  /** @param hashes by user; without users every request passes. */
  constructor(hashes: ReadonlyMap<string, string>) {
    this.#hashes = hashes
  }

  async mayPass(authorization: string | null): Promise<boolean> {
    if (this.#hashes.size === 0) return true
    const encoded = /^basic +([\w+/=-]+)$/i.exec(authorization ?? '')?.[1]
    if (encoded === undefined) return false
    const [, user = '', password = ''] =
      /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString()) ?? []

    const [anyHash = ''] = this.#hashes.values()
    const hash = this.#hashes.get(user)
    // An unknown user must take as long as a known one, so that the time does not reveal the names of users.
    const isPassword = await this.#verify(password, hash ?? anyHash)
    return hash !== undefined && isPassword
  }

  /** Keeps a digest in place of the password. */
  #verify(password: string, hash: string): Promise<boolean> {
    const key = Bun.SHA256.hash(`${hash} ${password}`, 'base64')
    const known = this.#verdicts.get(key)
    if (known) return known
    if (this.#verdicts.size >= KEPT_VERDICTS) this.#verdicts.clear()
    // Bun throws for an empty password.
    const verdict = Bun.password.verify(password, hash).catch(() => false)
    this.#verdicts.set(key, verdict)
    return verdict
  }
}
