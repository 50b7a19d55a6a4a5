/** What a pet is: the schemas that requests are checked against, and the type that the store and the routes share. */
import { Kind as TypeKind, Type, TypeRegistry } from '@sinclair/typebox'
import type { Kind } from './kind.ts'

/** A pet as the API shows it. The kind's trait is a boolean under its own name. */
export type Pet = { id: number; name: string; breed: string; is_test: boolean } & Record<string, unknown>

/** What a client may say about a pet; the trait under its own name. */
export type PetInput = { name: string; breed: string; is_test?: boolean } & Record<string, unknown>

const MAX_CHARACTERS = 128

/**
 * Text measured in characters, as JSON Schema does, where TypeBox's own string counts UTF-16 units. A lone surrogate
 * is refused: it cannot be stored as UTF-8, so what was acknowledged would not be what is read back. So is NUL, which no text
 * in PostgreSQL can hold, so that both databases take the same.
 */
const CHARACTERS = 'Characters'
TypeRegistry.Set<{ minLength: number; maxLength: number }>(CHARACTERS, ({ minLength, maxLength }, value) => {
  if (typeof value !== 'string' || !value.isWellFormed() || value.includes('\0')) return false
  if (value.length > 2 * maxLength) return false
  const { length } = [...value]
  return minLength <= length && length <= maxLength
})

const text = (description: string) =>
  Type.Unsafe<string>({
    [TypeKind]: CHARACTERS,
    type: 'string',
    minLength: 1,
    maxLength: MAX_CHARACTERS,
    description,
    error: `must be a text of 1 to ${MAX_CHARACTERS} characters without NUL`,
  })

const flag = (description: string) =>
  Type.Optional(Type.Boolean({ default: false, description, error: 'must be true or false' }))

/** Elysia would refuse unknown properties, or drop them where it normalises. */
const objectOptions = { additionalProperties: true }

/** Body of PUT. Unknown properties are ignored, as the original did. */
export const changeSchema = ({ trait }: Kind) =>
  Type.Object(
    { name: text('what it is called'), breed: text('what breed it is'), [trait]: flag('absent means false') },
    objectOptions,
  )

/** Body of POST. */
export const createSchema = (kind: Kind) =>
  Type.Object(
    { ...changeSchema(kind).properties, is_test: flag('made by a test; deleted by /clean/') },
    objectOptions,
  )

/** A pet in an answer. */
export const petSchema = ({ trait }: Kind) =>
  Type.Object({
    id: Type.Integer({ minimum: 1 }),
    name: Type.String({ minLength: 1, maxLength: MAX_CHARACTERS }),
    breed: Type.String({ minLength: 1, maxLength: MAX_CHARACTERS }),
    [trait]: Type.Boolean(),
    is_test: Type.Boolean(),
  })
