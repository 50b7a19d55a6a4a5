/** A password for the admin pages of one run, for programs that start the services. */

/**
 * Sets the hash of a new password for each service that has none.
 * @param env the environment that the services will get; changed here.
 * @param prefixes of the services' settings, such as DOGS.
 * @returns the password; `undefined` if every service has one of its own.
 */
export async function setAdminPassword(
  env: Record<string, string | undefined>,
  prefixes: readonly string[],
): Promise<string | undefined> {
  const names = prefixes.map((prefix) => `${prefix}_ADMIN_PASSWORD_HASH`).filter((name) => !env[name])
  if (names.length === 0) return undefined
  const password = Buffer.from(crypto.getRandomValues(new Uint8Array(12))).toString('base64url')
  const hash = await Bun.password.hash(password, 'argon2id')
  for (const name of names) env[name] = hash
  return password
}
