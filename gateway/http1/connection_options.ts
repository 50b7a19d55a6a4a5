/** Reads `Connection` (RFC 9110 section 7.6.1): its options, and the fields that it names as hop-by-hop. */
import { FIELD } from './field_names.ts'
import type { FieldList } from './fields.ts'

/** Fields that are always hop-by-hop, also if `Connection` does not name them. */
const HOP_BY_HOP = new Set<number>([
  FIELD.connection,
  FIELD['keep-alive'],
  FIELD['proxy-connection'],
  FIELD['proxy-authenticate'],
  FIELD['proxy-authorization'],
  FIELD.te,
  FIELD.upgrade,
])

const OPTION = /^[\w!#$%&'*+\-.^`|~]+$/

export class ConnectionOptions {
  closes = false
  keepsAlive = false
  upgrades = false
  /** Whether all values are lists of options. */
  isWellFormed = true
  /** The named hop-by-hop fields, in small letters. */
  readonly #named: string[] = []

  add(text: string): void {
    const option = text.toLowerCase()
    if (option === 'close') this.closes = true
    else if (option === 'keep-alive') this.keepsAlive = true
    else if (option === 'upgrade') this.upgrades = true
    else if (OPTION.test(option)) this.#named.push(option)
    else this.isWellFormed = false
  }

  /** Whether a field is hop-by-hop and must not be forwarded. */
  owns(bytes: Buffer, list: FieldList, i: number): boolean {
    if (HOP_BY_HOP.has(list.names[i]!)) return true
    return this.#named.length > 0 && this.#named.includes(list.name(bytes, i).toLowerCase())
  }
}

/** Reads all lines of `Connection`. */
export function connectionOptions(bytes: Buffer, list: FieldList): ConnectionOptions {
  const options = new ConnectionOptions()
  for (const option of list.items(bytes, FIELD.connection)) options.add(option)
  return options
}
