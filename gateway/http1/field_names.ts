/** Numbers for the field names that a gateway acts on, looked up without making strings. */
import { LOWER } from './bytes.ts'

const NAMES = [
  'connection',
  'content-length',
  'transfer-encoding',
  'host',
  'expect',
  'te',
  'trailer',
  'upgrade',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'via',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-forwarded-server',
  'x-real-ip',
  'x-request-id',
  'traceparent',
  'tracestate',
  'max-forwards',
  'date',
  'authorization',
  'cookie',
  'set-cookie',
  'content-encoding',
  'content-type',
  'content-range',
  'cache-control',
  'accept',
  'user-agent',
  'idempotency-key',
] as const

/** A field's name as a number. */
export type FieldName = (typeof NAMES)[number]

/** The number of each known name. */
export const FIELD = Object.fromEntries(NAMES.map((name, i) => [name, i + 1])) as Record<FieldName, number>
/** The number of every other name. */
export const OTHER = 0

/** Names by length and first letter: at most a few in each slot. */
const candidates: { id: number; bytes: Buffer }[][] = Array.from({ length: 1024 }, () => [])
const slotOf = (length: number, first: number) => ((length & 31) << 5) | (first & 31)
for (const name of NAMES) {
  candidates[slotOf(name.length, name.charCodeAt(0))]!.push({ id: FIELD[name], bytes: Buffer.from(name) })
}

/** The number of the name in these bytes, in any case. */
export function fieldOf(bytes: Buffer, from: number, to: number): number {
  const length = to - from
  for (const candidate of candidates[slotOf(length, LOWER[bytes[from]!]!)]!) {
    const expected = candidate.bytes
    if (expected.length !== length) continue
    let i = 0
    while (i < length && LOWER[bytes[from + i]!] === expected[i]) i++
    if (i === length) return candidate.id
  }
  return OTHER
}
