/** Changes of header fields by a route: `set`, `add` and `remove`, with `{host}`, `{client}` and `{request_id}` in values. */
import type { HeadersConfig } from '../config/gateway_file.ts'

/** The values of the placeholders. */
export interface HeaderValues {
  host: string
  client: string
  request_id: string
}

const PLACEHOLDER = /\{(host|client|request_id)\}/g

export class HeaderRules {
  /** Names that `set` and `remove` take away, in small letters. */
  readonly #removed: ReadonlySet<string>
  readonly #lines: string
  /** The names of the placeholders, each as often as it stands there. */
  readonly #placeholders: (keyof HeaderValues)[]

  constructor({ set = {}, add = {}, remove = [] }: HeadersConfig) {
    this.#removed = new Set([...Object.keys(set), ...remove].map((name) => name.toLowerCase()))
    this.#lines = [...Object.entries(set), ...Object.entries(add)]
      .flatMap(([name, value]) => [value].flat().map((each) => `${name}: ${each}\r\n`))
      .join('')
    this.#placeholders = [...this.#lines.matchAll(PLACEHOLDER)].map(([, name]) => name as keyof HeaderValues)
  }

  /** Whether the rules replace or remove the field with this name, in small letters. */
  replaces(name: string): boolean {
    return this.#removed.has(name)
  }

  /** Field lines, each with its end, without those that are removed or replaced. */
  keep(lines: Buffer): Buffer {
    if (this.#removed.size === 0) return lines
    const kept = lines
      .toString('latin1')
      .split(/(?<=\r\n)/)
      .filter((line) => !this.#removed.has(line.slice(0, line.indexOf(':')).toLowerCase()))
    return Buffer.from(kept.join(''), 'latin1')
  }

  /** The length of the added field lines. */
  addedBytes(values: HeaderValues): number {
    return this.#placeholders.reduce(
      (sum, name) => sum + values[name].length - `{${name}}`.length,
      this.#lines.length,
    )
  }

  /** The added field lines, each with its end. */
  added(values: HeaderValues): Buffer {
    const filled = this.#lines.replace(PLACEHOLDER, (_, name: keyof HeaderValues) => values[name])
    return Buffer.from(filled, 'latin1')
  }
}
