/** Reads the bodies of the forms of the admin page. */
import type { TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { type BodyLimits, readBytes } from '../http/body.ts'
import { HttpError } from '../http/errors.ts'
import type { Kind } from '../model/kind.ts'
import { createSchema, type PetInput } from '../model/pet.ts'

/** @throws HttpError as for any other body */
export async function readForm(request: Request, limits: BodyLimits): Promise<URLSearchParams> {
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/x-www-form-urlencoded')
    throw new HttpError(415, 'Send the form of the admin page')
  return new URLSearchParams(new TextDecoder().decode(await readBytes(request, limits)))
}

/** A pet as it was typed, with the errors beside their fields. */
export interface PetForm {
  pet: PetInput
  errors: ReadonlyMap<string, string>
}

export function petFormOf(kind: Kind, form: URLSearchParams): PetForm {
  const pet = {
    name: form.get('name') ?? '',
    breed: form.get('breed') ?? '',
    // A checkbox that is not checked is not sent.
    [kind.trait]: form.has(kind.trait),
    is_test: form.has('is_test'),
  }
  return { pet, errors: errorsOf(createSchema(kind), pet) }
}

function errorsOf(schema: TSchema, pet: PetInput): ReadonlyMap<string, string> {
  const errors = new Map<string, string>()
  for (const { path, schema: failed, message } of Value.Errors(schema, pet)) {
    const field = path.slice(1)
    if (!errors.has(field)) errors.set(field, String(failed.error ?? message))
  }
  return errors
}
