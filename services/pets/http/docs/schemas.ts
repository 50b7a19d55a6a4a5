/** Schemas of the OpenAPI document as people read them: types in a few words, and an example of a body. */
import type { OpenAPIV3 } from 'openapi-types'

type Schema = OpenAPIV3.SchemaObject

/** Such as "integer, 1 to 1000". */
export function typeText(schema: Schema): string {
  const { type, anyOf, format } = schema
  // A flag takes some other values as well.
  if (anyOf) return typeText(anyOf[0] as Schema)
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' or ')
  if (type === 'array') return 'list'
  if (type === 'string') {
    if (format !== undefined) return format
    const { minLength, maxLength } = schema
    return maxLength === undefined ? 'text' : `text, ${minLength ?? 0} to ${maxLength} characters`
  }
  return [type, boundsText(schema)].filter((text) => text !== '').join(', ')
}

function boundsText({ minimum, maximum }: Schema): string {
  const least = minimum === Number.MIN_SAFE_INTEGER ? undefined : minimum
  const most = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum
  if (least !== undefined && most !== undefined) return `${least} to ${most}`
  if (least !== undefined) return `at least ${least}`
  return most === undefined ? '' : `at most ${most}`
}

/** A body with a value for each required property, or else for the first one. */
export function exampleOf({ properties = {}, required }: Schema): Record<string, unknown> {
  const names = required ?? Object.keys(properties).slice(0, 1)
  return Object.fromEntries(names.map((name) => [name, valueOf(properties[name] as Schema, name)]))
}

function valueOf(schema: Schema, name: string): unknown {
  const { type, format, minimum = 0, maximum = Infinity } = schema
  if (schema.enum) return schema.enum[0]
  if (type === 'string') return format === 'date' ? '2024-02-29' : name.slice(0, schema.maxLength)
  if (type === 'integer' || type === 'number') return Math.min(Math.max(1, minimum), maximum)
  return true
}
