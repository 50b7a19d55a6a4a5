/** Basic authentication (RFC 7617) with bcrypt hashes. A hash takes tens of milliseconds, so accepted passwords are kept. */

/** More passwords at once are refused unchecked, so that a client with a new valid one waits for these at most. */
const MAX_PENDING = 16

export type Verdict = 'accepted' | 'rejected' | 'busy'

export class BasicAuth {
  readonly #hashes: ReadonlyMap<string, string>
  /** By user, the digest of the accepted password with its hash. Rejected passwords are not kept. */
  readonly #accepted = new Map<string, string>()
  #pending = 0

  /** @param hashes by user; without users every request passes. */
  constructor(hashes: ReadonlyMap<string, string>) {
    this.#hashes = hashes
  }

  async check(authorization: string | null): Promise<Verdict> {
    if (this.#hashes.size === 0) return 'accepted'
    const encoded = /^basic +([\w+/=-]+)$/i.exec(authorization ?? '')?.[1]
    if (encoded === undefined) return 'rejected'
    const [, user = '', password = ''] =
      /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString()) ?? []

    const hash = this.#hashes.get(user)
    const digest = Bun.SHA256.hash(`${hash} ${password}`, 'base64')
    if (this.#accepted.get(user) === digest) return 'accepted'
    if (this.#pending >= MAX_PENDING) return 'busy'

    const [anyHash = ''] = this.#hashes.values()
    this.#pending++
    try {
      // An unknown user must take as long as a known one, so that the time does not reveal the names of users.
      const isPassword = await Bun.password.verify(password, hash ?? anyHash)
      if (hash === undefined || !isPassword) return 'rejected'
      this.#accepted.set(user, digest)
      return 'accepted'
    } catch {
      // Bun throws for an empty password.
      return 'rejected'
    } finally {
      this.#pending--
    }
  }
}
