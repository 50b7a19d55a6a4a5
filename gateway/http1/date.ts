/** The `Date` field (RFC 9110 section 6.6.1). */

let second = 0
let line = ''

/** The whole line, made once a second. */
export function dateLine(): string {
  const now = Math.floor(Date.now() / 1000)
  if (now !== second) {
    second = now
    line = `Date: ${new Date(now * 1000).toUTCString()}\r\n`
  }
  return line
}
