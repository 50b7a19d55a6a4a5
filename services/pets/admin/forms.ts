/** Reads the bodies of the forms of the admin page. */
import type { TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { type BodyLimits, readBytes } from '../http/body.ts'
import { HttpError } from '../http/errors.ts'
import type { Field, Value as PetValue } from '../model/field.ts'
import { inputFields, type Kind } from '../model/kind.ts'
import { createSchema } from '../model/pet.ts'

/** @throws HttpError as for any other body */
export async function readForm(request: Request, limits: BodyLimits): Promise<URLSearchParams> {
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/x-www-form-urlencoded')
    throw new HttpError(415, 'Send the form of the admin page')
  return new URLSearchParams(new TextDecoder().decode(await readBytes(request, limits)))
}

/** A pet as it was typed, with the errors beside their fields. */
export interface PetForm {
  pet: Record<string, PetValue>
  errors: ReadonlyMap<string, string>
}

export function petFormOf(kind: Kind, form: URLSearchParams): PetForm {
  const pet = Object.fromEntries(
    inputFields(kind).map(([name, field]) => [name, typed(field, form.get(name))] as const),
  )
  return { pet, errors: errorsOf(createSchema(kind), pet) }
}

/** The value that was typed; a text that is no number stays a text, which is then refused. */
function typed({ type }: Field, text: string | null): PetValue {
  // A checkbox that is not checked is not sent.
  if (type === 'boolean') return text !== null
  const isNumber = (type === 'integer' || type === 'number') && text?.trim() !== ''
  return isNumber && !Number.isNaN(Number(text ?? '')) ? Number(text ?? '') : (text ?? '')
}

function errorsOf(schema: TSchema, pet: Record<string, PetValue>): ReadonlyMap<string, string> {
  const errors = new Map<string, string>()
  for (const { path, schema: failed, message } of Value.Errors(schema, pet)) {
    const field = path.slice(1)
    if (!errors.has(field)) errors.set(field, String(failed.error ?? message))
  }
  return errors
}
