/**
 * The declaration of one kind of pet, made by the `model.ts` of its service. The rest of services/pets is common to all
 * kinds: it adds `id` and `is_test` to the fields.
 */
import { type Field, defaultOf } from './field.ts'
import { typeOf } from './field_types.ts'

export interface Kind {
  /** Plural, in lower case: the name of the table, the path and the service. */
  name: string
  /** For texts; if absent, the name without its `s`. */
  singular?: string
  /** By name, in the order in which responses and pages show them. */
  fields: Readonly<Record<string, Field>>
  defaults: { port: number; adminPort: number; databasePath: string }
}

/** Marks rows of load tests, which `clean/` deletes. Every kind has it. */
export const IS_TEST = { type: 'boolean', description: 'a test row, deleted by /clean/' } as const

/** Names that mean something else in a row, a query or a form. */
const TAKEN = new Set(['id', 'is_test', 'limit', 'after', 'before', 'search', 'csrf', 'etag', 'constructor'])

const NAME = /^[a-z][a-z0-9_]*$/

/** The number is above those of the migrations that all kinds have. */
const MIGRATION = /^(?!000[0-5])\d{4}_[a-z0-9_]+$/

/** @throws Error that lists each mistake in the declaration. */
export function defineKind(kind: Kind): Kind {
  const problems = [
    ...(NAME.test(kind.name) ? [] : [`the name ${kind.name} must be of small letters, digits and _`]),
    ...(kind.name === 'migrations' ? ['the table migrations is for what its name says'] : []),
    ...(Object.keys(kind.fields).length === 0 ? ['there must be a field'] : []),
    ...Object.entries(kind.fields).flatMap(([name, field]) => Array.from(problemsOf(name, field))),
    ...repeated(Object.values(kind.fields).flatMap(({ added }) => added ?? [])).map(
      (added) => `${added} adds two fields: each needs a migration of its own`,
    ),
  ]
  if (problems.length === 0) return kind
  throw new Error([`the declaration of ${kind.name}:`, ...problems].join('\n  '))
}

function* problemsOf(name: string, field: Field): Generator<string> {
  if (!NAME.test(name)) yield `${name} must be of small letters, digits and _`
  if (TAKEN.has(name)) yield `${name} means something else here: choose another name`
  const byDefault = defaultOf(field)
  if (byDefault !== undefined && !typeOf(field).takes(field, byDefault)) {
    yield `the default of ${name} ${typeOf(field).rule(field)}`
  }
  if (field.added === undefined) return
  if (!MIGRATION.test(field.added))
    yield `${name} was added by ${field.added}, which must be like 0006_${name}`
  if (byDefault === undefined) yield `${name} was added later, so it needs a default for the rows that exist`
}

const repeated = (names: readonly string[]): string[] => names.filter((name, i) => names.indexOf(name) < i)

/** Environment variables of a kind start with this prefix and an underscore. */
export const prefixOf = (kind: Kind): string => kind.name.toUpperCase()

/** The collection's path, as routes and `http_route` spell it. */
export const pathOf = (kind: Kind): `/${string}/` => `/${kind.name}/`

export const singularOf = ({ name, singular = name.replace(/s$/, '') }: Kind): string => singular

/** "a dog", "an owl" */
export const oneOf = (kind: Kind): string => {
  const one = singularOf(kind)
  return `${/^[aeiou]/.test(one) ? 'an' : 'a'} ${one}`
}

/** The fields that a client sets, in their order: those of the kind, and `is_test`. */
export const inputFields = ({ fields }: Kind): [name: string, field: Field][] => [
  ...Object.entries(fields),
  ['is_test', IS_TEST],
]

/** The columns of the table, which are the properties of a pet in a response, in their order. */
export const columnsOf = (kind: Kind): string[] => ['id', ...inputFields(kind).map(([name]) => name)]

/** The names of the fields of some types. */
export const fieldsOfType = ({ fields }: Kind, ...types: Field['type'][]): string[] =>
  Object.keys(fields).filter((name) => types.includes(fields[name]!.type))

/** The fields by which a list is filtered, each for one value. */
export const filtersOf = (kind: Kind): string[] => fieldsOfType(kind, 'text', 'enum')
