/** Parts of the schema of gateway.toml that several of its tables have. */
import { Type } from '@sinclair/typebox'

export const closed = { additionalProperties: false }
export const name = Type.String({
  pattern: '^[a-z][a-z0-9_-]*$',
  description: 'a name of lower-case letters, digits, - and _',
})

export const integer = (
  description: string,
  fallback: number,
  minimum = 1,
  maximum = Number.MAX_SAFE_INTEGER,
) => Type.Integer({ description, minimum, maximum, default: fallback })

/** One of these strings. */
export const oneOf = <Value extends string>(...values: Value[]) =>
  Type.Union(
    values.map((value) => Type.Literal(value)),
    { description: `one of ${values.join(', ')}` },
  )

export const file = Type.String({ minLength: 1, description: 'a path of a file' })

/** A pattern: visible ASCII without `$`, and braces only around the placeholders. */
export const LOCATION = '^([!-#%-z|~]|\\{(host|path|query)\\})+$'

export const errorPages = Type.Record(Type.String({ pattern: '^[45]\\d\\d$' }), file, {
  additionalProperties: false,
  description: 'a table of statuses with a file or a URL',
})

/** Visible ASCII and spaces. */
const value = Type.String({ pattern: '^[ -~]*$', description: 'a string of printable ASCII' })
const VALUES = Type.Record(
  Type.String(),
  Type.Union([value, Type.Array(value)], { description: 'a string of printable ASCII, or a list of them' }),
  {
    description: 'a table of names with a string or a list of strings',
  },
)
/** Changes of header fields. */
export const HeadersSchema = Type.Object(
  {
    set: Type.Optional(VALUES),
    add: Type.Optional(VALUES),
    remove: Type.Optional(
      Type.Array(Type.String({ description: 'a name' }), { description: 'a list of names' }),
    ),
  },
  { ...closed, description: 'a table with set, add and remove' },
)
