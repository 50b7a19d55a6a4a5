/**
 * The parts of k6 that the runner does not have. Each use of one is an error that names it: the runner never ignores a part of a
 * script, an option or a flag.
 */

/** A part of k6 that the runner does not have. It ends the run. */
export class Unsupported extends Error {
  override name = 'Unsupported'
  constructor(what: string) {
    super(`this runner does not have ${what}: run it with k6`)
  }
}

/** The object itself; reading a property that it does not have throws {@link Unsupported}. */
export function strict<T extends object>(name: string, object: T): T {
  return new Proxy(object, { get: (target, key, receiver) => read(name, target, key, receiver) })
}

/**
 * A prototype for classes whose instances are given to the script: a property that neither the instance nor its class has throws
 * {@link Unsupported}, and the others cost nothing more.
 */
export function strictPrototype(name: string): object {
  return strict(name, Object.create(null) as object)
}

/** @throws Unsupported when an object has a key that is not in the list. */
export function checkKeys(what: string, object: object, known: readonly string[]): void {
  const unknown = Object.keys(object).find((key) => !known.includes(key))
  if (unknown !== undefined) throw new Unsupported(`${what} "${unknown}"`)
}

/** Keys that JavaScript itself asks for: `await` looks for `then`, and JSON.stringify for `toJSON`. */
const askedByTheLanguage = new Set<string | symbol>(['then', 'toJSON', 'constructor', 'toString', 'valueOf'])

function read(name: string, target: object, key: string | symbol, receiver: unknown): unknown {
  if (key in target) return Reflect.get(target, key, receiver)
  if (typeof key === 'symbol' || askedByTheLanguage.has(key)) return undefined
  throw new Unsupported(`${name}.${key}`)
}
