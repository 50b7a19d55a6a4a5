/** What each type of field means: the values that it takes, in a body and in both databases. One entry for each type. */
import type { Field, IntegerField, TextField, Value } from './field.ts'

export const MAX_CHARACTERS = 128

/** The part of JSON Schema that OpenAPI 3.0 has, too. */
type JsonSchema = Record<string, unknown>

interface FieldType<F> {
  /** Whether a body may have this value. */
  takes(field: F, value: unknown): boolean
  /** The end of a message that begins with the name of the field. */
  rule(field: F): string
  /** The values in a response. */
  schema(field: F): JsonSchema
  /** The values in a body, if it may have others. */
  inputSchema?: JsonSchema
  /** The stored value of a value that is taken. */
  read?(value: unknown): Value
  sqlite: string
  postgres: string
  /** A column of PostgreSQL as a value of JavaScript, if the plain column is none. */
  select?(column: string): string
}

/** The values of a flag that the original takes as well, which are those of Django's BooleanField. */
const TRUE: readonly unknown[] = [true, 1, 'True', 't', '1']
const FALSE: readonly unknown[] = [false, 0, 'False', 'f', '0']

const isBetween = ({ minimum, maximum }: { minimum: number; maximum: number }, value: number): boolean =>
  minimum <= value && value <= maximum

const lengthsOf = ({ minLength = 1, maxLength = MAX_CHARACTERS }: TextField) => ({ minLength, maxLength })

/** SQLite and PostgreSQL store larger integers, but JSON.parse of a client rounds them. */
const wholeBounds = ({
  minimum = Number.MIN_SAFE_INTEGER,
  maximum = Number.MAX_SAFE_INTEGER,
}: IntegerField) => ({ minimum, maximum })

const boundsRule = (what: string, { minimum, maximum }: { minimum?: number; maximum?: number }): string => {
  const least = minimum === undefined ? '' : ` of at least ${minimum}`
  const most = maximum === undefined ? '' : `${minimum === undefined ? ' of' : ' and'} at most ${maximum}`
  return `must be ${what}${least}${most}`
}

/** Both databases store zero without a sign, and so does JSON. */
const withoutSign = (value: unknown): Value => (value === 0 ? 0 : (value as number))

const TYPES: { [T in Field['type']]: FieldType<Extract<Field, { type: T }>> } = {
  text: {
    /**
     * Measures characters, as JSON Schema does. A lone surrogate is refused: UTF-8 cannot hold it, so a client would not read
     * back the string that was acknowledged. NUL is refused because PostgreSQL cannot store it and both databases must take
     * the same input.
     */
    takes(field, value) {
      const { minLength, maxLength } = lengthsOf(field)
      if (typeof value !== 'string' || !value.isWellFormed() || value.includes('\0')) return false
      if (value.length > 2 * maxLength) return false
      const { length } = [...value]
      return minLength <= length && length <= maxLength
    },
    rule(field) {
      const { minLength, maxLength } = lengthsOf(field)
      return `must be a string of ${minLength} to ${maxLength} characters without NUL`
    },
    schema: (field) => ({ type: 'string', ...lengthsOf(field), pattern: '^[^\\u0000]*$' }),
    sqlite: 'TEXT',
    postgres: 'text',
  },
  integer: {
    takes: (field, value) =>
      typeof value === 'number' && Number.isSafeInteger(value) && isBetween(wholeBounds(field), value),
    rule: (field) => boundsRule('an integer', field),
    schema: (field) => ({ type: 'integer', format: 'int64', ...wholeBounds(field) }),
    read: withoutSign,
    sqlite: 'INTEGER',
    postgres: 'bigint',
    select: (column) => `${column}::float8`,
  },
  number: {
    takes: ({ minimum = -Infinity, maximum = Infinity }, value) =>
      typeof value === 'number' && Number.isFinite(value) && isBetween({ minimum, maximum }, value),
    rule: (field) => boundsRule('a number', field),
    schema: ({ minimum, maximum }) => ({
      type: 'number',
      format: 'double',
      ...(minimum === undefined ? {} : { minimum }),
      ...(maximum === undefined ? {} : { maximum }),
    }),
    read: withoutSign,
    sqlite: 'REAL',
    postgres: 'double precision',
  },
  boolean: {
    takes: (_, value) => TRUE.includes(value) || FALSE.includes(value),
    rule: () => 'must be true or false',
    schema: () => ({ type: 'boolean' }),
    inputSchema: {
      anyOf: [{ type: 'boolean' }, { enum: [...TRUE, ...FALSE].filter((each) => typeof each !== 'boolean') }],
    },
    read: (value) => TRUE.includes(value),
    sqlite: 'INTEGER',
    postgres: 'boolean',
  },
  date: {
    takes: (_, value) => typeof value === 'string' && isDate(value),
    rule: () => 'must be a date such as 2024-02-29',
    schema: () => ({ type: 'string', format: 'date' }),
    sqlite: 'TEXT',
    postgres: 'date',
    // The setting DateStyle of the server may be another.
    select: (column) => `to_char(${column}, 'YYYY-MM-DD')`,
  },
  enum: {
    takes: ({ values }, value) => typeof value === 'string' && values.includes(value),
    rule: ({ values }) => `must be one of ${values.join(', ')}`,
    schema: ({ values }) => ({ type: 'string', enum: [...values] }),
    sqlite: 'TEXT',
    postgres: 'text',
  },
}

/** The type of a field, for any field. */
export const typeOf = (field: Field): FieldType<Field> => TYPES[field.type] as FieldType<Field>

/** The stored value of a value that the field takes. */
export const readValue = (field: Field, value: unknown): Value =>
  typeOf(field).read?.(value) ?? (value as Value)

/** Years have four digits, from 0001: PostgreSQL has no year 0. */
function isDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || text.startsWith('0000')) return false
  const date = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
}
