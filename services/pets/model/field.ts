/**
 * What a service stores in a row, declared field by field in its `model.ts`. The API, its docs, the admin page, the checks, the
 * SQL of both databases and the migrations are made from these declarations. field_types.ts says what each type means.
 */

interface Common {
  /** For the API docs. */
  description: string
  /**
   * The name of the migration that adds the field to tables that exist already, such as `0006_chip`. Fields of the first
   * release of a service have none. Rows from before it get the default.
   */
  added?: string
}

/** A string, measured in characters. Lists can be searched and filtered by it. */
export interface TextField extends Common {
  type: 'text'
  /** 1 if absent. */
  minLength?: number
  /** 128 if absent. */
  maxLength?: number
  default?: string
}

/** A whole number, between the greatest that JavaScript holds exactly if there are no bounds. */
export interface IntegerField extends Common {
  type: 'integer'
  minimum?: number
  maximum?: number
  default?: number
}

/** A number with a fraction, in the precision of a double. */
export interface NumberField extends Common {
  type: 'number'
  minimum?: number
  maximum?: number
  default?: number
}

/** The default is false if absent. */
export interface BooleanField extends Common {
  type: 'boolean'
  default?: boolean
}

/** A day of the calendar, as `2024-02-29`. */
export interface DateField extends Common {
  type: 'date'
  default?: string
}

/** One of a few texts. Lists can be filtered by it. */
export interface EnumField extends Common {
  type: 'enum'
  values: readonly string[]
  default?: string
}

/** A field with a default may be absent from a body; one without is required. */
export type Field = TextField | IntegerField | NumberField | BooleanField | DateField | EnumField

export type Value = string | number | boolean

/** The value of a field that is absent from a body; `undefined` if it is required. */
export const defaultOf = (field: Field): Value | undefined =>
  field.type === 'boolean' ? (field.default ?? false) : field.default
