/**
 * The OpenAPI document of one kind, written out rather than generated from the routes: Elysia's generators know neither
 * named schemas nor responses that the routes build themselves. A test compares it with the routes.
 */
import type { TSchema } from '@sinclair/typebox'
import type { OpenAPIV3 } from 'openapi-types'
import type { Field } from '../../model/field.ts'
import { MAX_CHARACTERS, typeOf } from '../../model/field_types.ts'
import {
  columnsOf,
  filtersOf,
  fieldsOfType,
  inputFields,
  type Kind,
  oneOf,
  pathOf,
  singularOf,
} from '../../model/kind.ts'
import { changeSchema, createSchema, patchSchema } from '../../model/pet.ts'
import { CSV } from '../csv.ts'
import { MAX_LIMIT } from '../query.ts'

type Responses = OpenAPIV3.ResponsesObject
type Schema = OpenAPIV3.SchemaObject | OpenAPIV3.ReferenceObject

const MAX_ID = Number.MAX_SAFE_INTEGER
const id: OpenAPIV3.SchemaObject = { type: 'integer', format: 'int64', minimum: 1, maximum: MAX_ID }
const position: OpenAPIV3.SchemaObject = { ...id, minimum: 0 }
const text: OpenAPIV3.SchemaObject = {
  type: 'string',
  minLength: 1,
  maxLength: MAX_CHARACTERS,
  // NUL is refused.
  pattern: '^[^\\u0000]*$',
}
const flag: OpenAPIV3.SchemaObject = { type: 'boolean' }

const wordsOf = (field: string): string => field.replaceAll('_', ' ')

/** "name, breed and age" */
const listOf = (words: readonly string[], last: 'and' | 'or'): string =>
  words.join(', ').replace(/, ([^,]+)$/, ` ${last} $1`)

/** @param publicPath the beginning of all paths */
export function openApi(kind: Kind, version: string, publicPath = ''): OpenAPIV3.Document {
  const { name, fields } = kind
  const one = singularOf(kind)
  const schemaOf = (field: Field): Schema => typeOf(field).schema(field)
  const texts = fieldsOfType(kind, 'text')
  const Pet = `${one[0]!.toUpperCase()}${one.slice(1)}`
  const collection = pathOf(kind)
  const pet = reference(Pet)

  const operation = (
    operationId: string,
    summary: string,
    responses: Responses,
    rest: Partial<OpenAPIV3.OperationObject> = {},
  ): OpenAPIV3.OperationObject => ({
    operationId,
    summary,
    tags: [name],
    ...rest,
    responses: { ...responses, ...unavailable },
  })
  const body = (schema: string, type = 'application/json') => ({
    requestBody: { required: true, content: { [type]: { schema: reference(schema) } } },
  })
  const found = (description: string, headers = {}): Responses => ({
    200: { description, headers, content: { 'application/json': { schema: pet } } },
  })
  const list = {
    200: {
      description: 'a page, ordered by id',
      headers: { ...etag, Link: header('the pages rel="next" and rel="prev" (RFC 8288), if they exist') },
      content: {
        'application/json': { schema: { type: 'array', items: pet } as Schema },
        [CSV]: { schema: { type: 'string' } as Schema },
      },
    },
  }

  return {
    openapi: '3.0.3',
    info: {
      title: name,
      version,
      description: `Stores ${name}. Errors are application/problem+json (RFC 9457).`,
    },
    servers: [{ url: publicPath === '' ? '/' : publicPath, description: 'the host of this document' }],
    tags: [{ name }],
    paths: {
      [collection]: {
        get: operation(
          'list',
          `List ${name} by id`,
          { ...list, ...notModified, ...failed(403, 422) },
          {
            parameters: [
              query('limit', { type: 'integer', minimum: 1, maximum: MAX_LIMIT }, 'largest number of rows'),
              query('after', position, 'only rows with a greater id'),
              query('before', position, 'only rows with a smaller id; without `after` the last of them'),
              ...filtersOf(kind).map((field) =>
                query(field, schemaOf(fields[field]!), `only rows with this ${wordsOf(field)}`),
              ),
              query('is_test', flag, 'only test rows, or only others'),
              query(
                'search',
                text,
                `only rows with this text in ${listOf(texts, 'or')}; ASCII letters in either case`,
              ),
            ],
          },
        ),
        post: operation(
          'create',
          `Create ${oneOf(kind)}`,
          {
            201: {
              description: 'the new row',
              headers: { Location: header('the path of the row') },
              content: { 'application/json': { schema: pet } },
            },
            ...badBody,
            ...failed(403, 412),
          },
          { ...body(`New${Pet}`), parameters: [idempotencyKey] },
        ),
        delete: operation(
          'deleteTests',
          'Delete every test row',
          { ...done, ...failed(403, 412, 422) },
          {
            parameters: [
              { ...query('is_test', { type: 'string', enum: ['true'] }, 'confirms'), required: true },
            ],
          },
        ),
      },
      [`${collection}clean/`]: {
        get: operation('clean', 'Delete every test row (the path of the original; prefer DELETE)', {
          ...done,
          ...failed(403),
        }),
      },
      [`${collection}{id}/`]: {
        parameters: [{ name: 'id', in: 'path', required: true, schema: id }],
        get: operation('read', `Get ${oneOf(kind)} by id`, {
          ...found('the row', etag),
          ...notModified,
          ...failed(404),
        }),
        put: operation(
          'change',
          `Set ${listOf(Object.keys(fields), 'and')} of ${oneOf(kind)}; is_test stays`,
          { ...found('the row as it is now'), ...badBody, ...failed(403, 404, 412) },
          body(`${Pet}Change`),
        ),
        patch: operation(
          'patch',
          `Change some properties of ${oneOf(kind)} by a JSON Merge Patch (RFC 7396)`,
          { ...found('the row as it is now'), ...badBody, ...failed(403, 404, 412) },
          body(`${Pet}Patch`, 'application/merge-patch+json'),
        ),
        delete: operation('delete', `Delete ${oneOf(kind)}`, { ...done, ...failed(403, 404, 412) }),
      },
    },
    components: {
      schemas: {
        [Pet]: {
          type: 'object',
          required: columnsOf(kind),
          properties: {
            id,
            ...Object.fromEntries(inputFields(kind).map(([column, field]) => [column, schemaOf(field)])),
          },
        },
        [`New${Pet}`]: inputSchema(createSchema(kind)),
        [`${Pet}Change`]: inputSchema(changeSchema(kind)),
        [`${Pet}Patch`]: inputSchema(patchSchema(kind)),
        Problem: problem,
      },
    },
  }
}

const problem: OpenAPIV3.SchemaObject = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    instance: { type: 'string', description: 'the id of the request, as in X-Request-Id' },
    errors: {
      type: 'array',
      description: 'one entry for each wrong field',
      items: {
        type: 'object',
        required: ['field', 'message'],
        properties: { field: { type: 'string' }, message: { type: 'string' } },
      },
    },
  },
}

const reference = (name: string): OpenAPIV3.ReferenceObject => ({ $ref: `#/components/schemas/${name}` })

const header = (description: string): OpenAPIV3.HeaderObject => ({ description, schema: { type: 'string' } })

const query = (name: string, schema: Schema, description: string): OpenAPIV3.ParameterObject => ({
  name,
  in: 'query',
  description,
  schema,
})

const idempotencyKey: OpenAPIV3.ParameterObject = {
  name: 'Idempotency-Key',
  in: 'header',
  description:
    'a second request with this key within 24 h gets the response of the first, and creates no row',
  schema: { type: 'string', pattern: '^[!-~]{1,255}$' },
}

const etag = { ETag: header('changes with the content') }
const done: Responses = { 200: { description: 'done' } }
const notModified: Responses = {
  304: { description: 'If-None-Match matches: the client has this content', headers: etag },
  412: failure('If-Match does not match'),
}

const REASONS: Record<number, string> = {
  403: 'a page of another origin sent the request',
  404: 'no row has this id',
  412: 'If-Match or If-None-Match does not hold',
  422: 'a parameter is wrong',
}

const failed = (...statuses: number[]): Responses =>
  Object.fromEntries(statuses.map((status) => [status, failure(REASONS[status]!)]))

const badBody: Responses = {
  400: failure('the body is not JSON'),
  408: failure('the body did not arrive in time'),
  413: failure('the body is too large'),
  415: failure('the body is of another type or coding'),
  422: failure('a field is missing or wrong'),
}

const unavailable: Responses = {
  503: {
    ...failure('the database is busy, away or full: nothing was changed'),
    headers: { 'Retry-After': { description: 'seconds to wait', schema: { type: 'integer' } } },
  },
}

function failure(description: string): OpenAPIV3.ResponseObject {
  return { description, content: { 'application/problem+json': { schema: reference('Problem') } } }
}

/** A schema of a request body without the keys that only this program reads. */
function inputSchema(schema: TSchema): OpenAPIV3.SchemaObject {
  const { required, properties } = schema
  const fields = Object.entries(properties as Record<string, TSchema>).map(([name, property]) => {
    const { error: _, field: __, ...rest } = property
    return [name, rest]
  })
  return { type: 'object', ...(required ? { required } : {}), properties: Object.fromEntries(fields) }
}
