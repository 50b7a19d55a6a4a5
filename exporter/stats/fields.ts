/**
 * A JSON object whose values are checked when they are read: a missing value is allowed, a value of the wrong kind is
 * not. `null` counts as missing, as in Go programs.
 */

/** The message names the place and the kind, not the value: a message is logged when it changes, and values change often. */
export class WrongValue extends Error {
  override name = 'WrongValue'
}

export type Numbers<Key extends string> = Partial<Record<Key, number>>

export class Fields {
  readonly #entries: Record<string, unknown>

  /** @throws {WrongValue} if the value is not an object. Every method throws it if a value is not of the kind in its name. */
  constructor(
    value: unknown,
    readonly path: string,
  ) {
    if (!isObject(value)) throw new WrongValue(`${path === '' ? 'the response' : path} is not an object`)
    this.#entries = value
  }

  number(key: string): number | undefined {
    const value = this.#entries[key] ?? undefined
    if (value === undefined) return undefined
    if (typeof value !== 'number' || !Number.isFinite(value))
      throw new WrongValue(`${this.#at(key)} is not a number`)
    return value
  }

  numbers<Key extends string>(keys: readonly Key[]): Numbers<Key> {
    const values: Numbers<Key> = {}
    for (const key of keys) {
      const value = this.number(key)
      if (value !== undefined) values[key] = value
    }
    return values
  }

  /** All values by name. `Object.fromEntries` also keeps the name `__proto__`; names are made well-formed as in `text`. */
  allNumbers(): Numbers<string> {
    const keys = Object.keys(this.#entries)
    return Object.fromEntries(keys.map((key) => [key.toWellFormed(), this.number(key) ?? 0]))
  }

  text(key: string): string | undefined {
    const value = this.#entries[key] ?? undefined
    if (value !== undefined && typeof value !== 'string')
      throw new WrongValue(`${this.#at(key)} is not a string`)
    // A lone surrogate has no UTF-8 form, so names that differ only there would become equal when they are written.
    return value?.toWellFormed()
  }

  child(key: string): Fields | undefined {
    const value = this.#entries[key] ?? undefined
    return value === undefined ? undefined : new Fields(value, this.#at(key))
  }

  list(key: string): Fields[] | undefined {
    return this.#array(key)?.map((item, index) => new Fields(item ?? {}, `${this.#at(key)}[${index}]`))
  }

  /** The length of a list; its items are not checked. */
  lengthOf(key: string): number | undefined {
    return this.#array(key)?.length
  }

  #array(key: string): unknown[] | undefined {
    const value = this.#entries[key] ?? undefined
    if (value !== undefined && !Array.isArray(value)) throw new WrongValue(`${this.#at(key)} is not a list`)
    return value
  }

  #at(key: string): string {
    return this.path === '' ? key : `${this.path}.${key}`
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
