/** Basic authentication (RFC 7617) against bcrypt hashes. A hash takes tens of milliseconds, so verdicts are kept. */

/** Enough for every scraper; a guesser who fills it up only empties it. */
const KEPT_VERDICTS = 1000

export class BasicAuth {
  readonly #hashes: ReadonlyMap<string, string>
  readonly #verdicts = new Map<string, Promise<boolean>>()

  /** @param hashes by user; without any, everybody may pass. */
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
    // For an unknown user, too: how long the answer takes must not tell who is known.
    const isPassword = await this.#verify(password, hash ?? anyHash)
    return hash !== undefined && isPassword
  }

  /** The password itself is not kept. */
  #verify(password: string, hash: string): Promise<boolean> {
    const key = Bun.SHA256.hash(`${hash} ${password}`, 'base64')
    const known = this.#verdicts.get(key)
    if (known) return known
    if (this.#verdicts.size >= KEPT_VERDICTS) this.#verdicts.clear()
    // Bun refuses an empty password with an error.
    const verdict = Bun.password.verify(password, hash).catch(() => false)
    this.#verdicts.set(key, verdict)
    return verdict
  }
}
