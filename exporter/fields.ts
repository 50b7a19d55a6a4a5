/**
 * A JSON object whose values are checked as they are taken: a missing value is fine, a value of the wrong kind is not.
 * `null` counts as missing, as it does for Go programs.
 */

/** A message tells the place and the kind, not the value: it is logged when it changes, and values change all the time. */
export class WrongValue extends Error {
  override name = 'WrongValue'
}

export type Numbers<Key extends string> = Partial<Record<Key, number>>

export class Fields {
  readonly #entries: Record<string, unknown>

  /** @throws {WrongValue} where the value is no object, as do all methods for the kind in their name. */
  constructor(
    value: unknown,
    readonly path: string,
  ) {
    if (!isObject(value)) throw new WrongValue(`${path === '' ? 'its answer' : path} is not an object`)
    this.#entries = value
  }

  number(key: string): number | undefined {
    const value = this.#entries[key] ?? undefined
    if (value === undefined) return undefined
    if (typeof value !== 'number' || !Number.isFinite(value))
      throw new WrongValue(`${this.#at(key)} is not a number`)
    if (value < 0) throw new WrongValue(`${this.#at(key)} is negative`)
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

  /** All of its values, whatever they are called: `__proto__`, too, which cannot be assigned. Of names, see `text`. */
  allNumbers(): Numbers<string> {
    const keys = Object.keys(this.#entries)
    return Object.fromEntries(keys.map((key) => [key.toWellFormed(), this.number(key) ?? 0]))
  }

  text(key: string): string | undefined {
    const value = this.#entries[key] ?? undefined
    if (value !== undefined && typeof value !== 'string')
      throw new WrongValue(`${this.#at(key)} is not a text`)
    // A lone surrogate has no UTF-8 form: two different ones would be written as one name.
    return value?.toWellFormed()
  }

  child(key: string): Fields | undefined {
    const value = this.#entries[key] ?? undefined
    return value === undefined ? undefined : new Fields(value, this.#at(key))
  }

  list(key: string): Fields[] | undefined {
    const value = this.#entries[key] ?? undefined
    if (value !== undefined && !Array.isArray(value)) throw new WrongValue(`${this.#at(key)} is not a list`)
    return value?.map((item, index) => new Fields(item, `${this.#at(key)}[${index}]`))
  }

  /** A list that a sieve left out is there as its length. */
  isLeftOut(key: string): boolean {
    return typeof this.#entries[key] === 'number'
  }

  #at(key: string): string {
    return this.path === '' ? key : `${this.path}.${key}`
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
