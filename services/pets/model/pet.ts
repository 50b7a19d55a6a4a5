/** The schemas that request bodies are checked against, and the types that the stores and the routes share. */
import { Kind as TypeKind, type TSchema, Type, TypeRegistry } from '@sinclair/typebox'
import { defaultOf, type Field, type Value } from './field.ts'
import { readValue, typeOf } from './field_types.ts'
import { inputFields, type Kind } from './kind.ts'

/** A pet as the API shows it: the fields of its kind between `id` and `is_test`. */
export type Pet = { id: number; is_test: boolean } & Record<string, Value>

/** The fields of a pet that a client sets. `is_test` is absent if it stays as it is. */
export type PetInput = Record<string, Value>

/** The schema of one property, checked by the type of its field. */
const FIELD = 'Field'
interface FieldSchema {
  field: Field
  nullable?: boolean
}
TypeRegistry.Set<FieldSchema>(
  FIELD,
  ({ field, nullable }, value) => (nullable === true && value === null) || typeOf(field).takes(field, value),
)

function property(field: Field, description: string, options: { nullable?: boolean } = {}): TSchema {
  const { inputSchema, schema, rule } = typeOf(field)
  return Type.Unsafe<Value>({
    ...(inputSchema ?? schema(field)),
    ...options,
    [TypeKind]: FIELD,
    field,
    description,
    error: rule(field),
  })
}

/** The fields of a new pet before it is filled in: those that have a default. */
export const defaultsOf = (kind: Kind): PetInput =>
  Object.fromEntries(
    inputFields(kind).flatMap(([name, field]) => {
      const value = defaultOf(field)
      return value === undefined ? [] : [[name, value]]
    }),
  )

/** A body that fits the schema, as values to store. */
export const petInput = (kind: Kind, body: Record<string, unknown>, setsIsTest = true): PetInput => {
  const pet: PetInput = {}
  for (const [name, field] of inputFields(kind)) {
    if (name === 'is_test' && !setsIsTest) continue
    const value = body[name]
    pet[name] = value === undefined ? defaultOf(field)! : readValue(field, value)
  }
  return pet
}

/** The fields of a pet after a merge patch: null sets the default. */
export const patched = (kind: Kind, pet: Pet, patch: Record<string, unknown>): PetInput => {
  const input: PetInput = {}
  for (const [name, field] of inputFields(kind)) {
    const value = patch[name]
    if (value === undefined) input[name] = pet[name]!
    else input[name] = value === null ? defaultOf(field)! : readValue(field, value)
  }
  return input
}

/** Without this Elysia refuses unknown properties, or drops them if it normalises. */
const objectOptions = { additionalProperties: true }

const createProperty = (field: Field): TSchema => {
  const byDefault = defaultOf(field)
  if (byDefault === undefined) return property(field, field.description)
  return Type.Optional(property(field, `${field.description}; ${JSON.stringify(byDefault)} if absent`))
}

/** Body of PUT. Unknown properties are ignored, as in the original. */
export const changeSchema = ({ fields }: Kind) =>
  Type.Object(
    Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, createProperty(field)])),
    objectOptions,
  )

/** Body of POST. */
export const createSchema = (kind: Kind) =>
  Type.Object(
    Object.fromEntries(inputFields(kind).map(([name, field]) => [name, createProperty(field)])),
    objectOptions,
  )

/** Body of PATCH, a JSON Merge Patch (RFC 7396): an absent property stays, one that is null gets its default. */
export const patchSchema = (kind: Kind) =>
  Type.Object(
    Object.fromEntries(inputFields(kind).map(([name, field]) => [name, patchProperty(field)])),
    objectOptions,
  )

const patchProperty = (field: Field): TSchema => {
  const byDefault = defaultOf(field)
  if (byDefault === undefined) return Type.Optional(property(field, field.description))
  const description = `${field.description}; null means ${JSON.stringify(byDefault)}`
  return Type.Optional(property(field, description, { nullable: true }))
}
