/** The schemas that request bodies are checked against, and the types that the stores and the routes share. */
import { Kind as TypeKind, Type, TypeRegistry } from '@sinclair/typebox'
import type { Kind } from './kind.ts'

/** A pet as the API shows it. The kind's trait is a boolean under its own name. */
export type Pet = { id: number; name: string; breed: string; is_test: boolean } & Record<string, unknown>

/** The fields of a pet that a client sets; the trait under its own name. `is_test` is absent if it stays as it is. */
export type PetInput = { name: string; breed: string; is_test?: boolean } & Record<string, unknown>

export const MAX_CHARACTERS = 128

/**
 * A string measured in characters, as JSON Schema does; TypeBox's own string counts UTF-16 units. A lone surrogate is
 * refused: UTF-8 cannot hold it, so a client would not read back the string that was acknowledged. NUL is refused because
 * PostgreSQL cannot store it and both databases must take the same input.
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
    error: `must be a string of 1 to ${MAX_CHARACTERS} characters without NUL`,
  })

/** The values of a flag that the original takes as well, which are those of Django's BooleanField. */
const TRUE: readonly unknown[] = [true, 1, 'True', 't', '1']
const FALSE: readonly unknown[] = [false, 0, 'False', 'f', '0']

const FLAG = 'Flag'
TypeRegistry.Set<{ nullable: boolean }>(
  FLAG,
  ({ nullable }, value) => TRUE.includes(value) || FALSE.includes(value) || (nullable && value === null),
)

const flagOf = (description: string, nullable: boolean) =>
  Type.Optional(
    Type.Unsafe<boolean>({
      [TypeKind]: FLAG,
      nullable,
      anyOf: [{ type: 'boolean' }, { enum: [...TRUE, ...FALSE].filter((each) => typeof each !== 'boolean') }],
      description,
      error: 'must be true or false',
    }),
  )
const flag = (description: string) => flagOf(description, false)
const removableFlag = (description: string) => flagOf(description, true)

/** A body that fits the schema, with its flags as booleans; an absent trait is false. */
export const petInput = ({ trait }: Kind, body: Record<string, unknown>, setsIsTest = true): PetInput => ({
  name: body.name as string,
  breed: body.breed as string,
  [trait]: TRUE.includes(body[trait]),
  ...(setsIsTest ? { is_test: TRUE.includes(body.is_test) } : {}),
})

/** The fields of a pet after a merge patch. */
export function patched({ trait }: Kind, pet: Pet, patch: Record<string, unknown>): PetInput {
  const flagOr = (field: string) => (field in patch ? TRUE.includes(patch[field]) : (pet[field] as boolean))
  return {
    name: (patch.name ?? pet.name) as string,
    breed: (patch.breed ?? pet.breed) as string,
    [trait]: flagOr(trait),
    is_test: flagOr('is_test'),
  }
}

/** Without this Elysia refuses unknown properties, or drops them if it normalises. */
const objectOptions = { additionalProperties: true }

/** Body of PUT. Unknown properties are ignored, as in the original. */
export const changeSchema = ({ trait }: Kind) =>
  Type.Object(
    { name: text('the name'), breed: text('the breed'), [trait]: flag('false if absent') },
    objectOptions,
  )

/** Body of POST. */
export const createSchema = (kind: Kind) =>
  Type.Object(
    { ...changeSchema(kind).properties, is_test: flag('a test row, deleted by /clean/') },
    objectOptions,
  )

/** Body of PATCH, a JSON Merge Patch (RFC 7396): an absent property stays, a flag that is null becomes false. */
export const patchSchema = ({ trait }: Kind) =>
  Type.Object(
    {
      name: Type.Optional(text('the name')),
      breed: Type.Optional(text('the breed')),
      [trait]: removableFlag('null means false'),
      is_test: removableFlag('a test row, deleted by /clean/'),
    },
    objectOptions,
  )

/** The properties of a pet in a response, in their order. */
export const columnsOf = ({ trait }: Kind) => ['id', 'name', 'breed', trait, 'is_test']
