/**
 * The text of the API docs for each route. Responses are described here and not by Elysia response schemas: Elysia would
 * check each response against them, which costs CPU and turns a bug of the service into 422.
 */
import type { OpenAPIV3 } from 'openapi-types'
import type { Kind } from '../model/kind.ts'
import { petSchema } from '../model/pet.ts'

type Description = Omit<OpenAPIV3.OperationObject, 'responses'> & { responses: OpenAPIV3.ResponsesObject }

export function describeRoutes(kind: Kind) {
  const { name, trait } = kind
  const one = name.replace(/s$/, '')
  const schema = petSchema(kind) as unknown as OpenAPIV3.SchemaObject
  const etag = { ETag: { description: 'changes with the content', schema: { type: 'string' } } } as const
  const pet = (description: string, headers: OpenAPIV3.ResponseObject['headers'] = {}) => ({
    description,
    headers,
    content: { 'application/json': { schema } },
  })
  const describe = (
    operationId: string,
    summary: string,
    responses: OpenAPIV3.ResponsesObject,
  ): Description => ({
    operationId,
    summary,
    tags: [name],
    responses,
  })
  const unchanged = { 304: { description: 'If-None-Match matches: the client has this content' } }
  const badBody = {
    400: problem('the body is not JSON'),
    413: problem('the body is too large'),
    415: problem('the body is not application/json'),
    422: problem('a field is missing or not allowed'),
  }
  const missing = { 404: problem('no row has this id') }
  const busy = { 503: problem('the database is busy or away: try again after Retry-After seconds') }

  return {
    list: describe('list', `List ${name} by id`, {
      200: {
        description: 'a page; `Link` with rel="next" if more rows follow',
        headers: { ...etag, Link: { description: 'the next page (RFC 8288)', schema: { type: 'string' } } },
        content: { 'application/json': { schema: { type: 'array', items: schema } } },
      },
      ...unchanged,
      422: problem('limit or after is not allowed'),
      ...busy,
    }),
    create: describe('create', `Create a ${one}`, {
      201: pet('the new row', { Location: { description: 'its path', schema: { type: 'string' } } }),
      ...badBody,
      ...busy,
    }),
    removeTests: describe('deleteTests', 'Delete every test row', {
      200: { description: 'done' },
      422: problem('is_test=true is missing'),
      ...busy,
    }),
    cleanUp: describe('clean', 'Delete every test row (the path of the original; prefer DELETE)', {
      200: { description: 'done' },
      ...busy,
    }),
    read: describe('read', `Get a ${one} by id`, {
      200: pet('the row', etag),
      ...unchanged,
      ...missing,
      ...busy,
    }),
    change: describe('change', `Set name, breed and ${trait} of a ${one}; is_test stays`, {
      200: pet('the row as it is now'),
      ...missing,
      ...badBody,
      ...busy,
    }),
    remove: describe('delete', `Delete a ${one}`, { 200: { description: 'done' }, ...missing, ...busy }),
  }
}

function problem(description: string): OpenAPIV3.ResponseObject {
  return {
    description,
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  }
}
