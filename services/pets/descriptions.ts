/**
 * What the API docs say of each route. Answers are described here and not as Elysia response schemas: the routes build
 * their bytes themselves, and checking them again would cost every request and turn our own faults into 422.
 */
import type { OpenAPIV3 } from 'openapi-types'
import type { Kind } from './kind.ts'
import { petSchema } from './model.ts'

type Description = Omit<OpenAPIV3.OperationObject, 'responses'> & { responses: OpenAPIV3.ResponsesObject }

export function describeRoutes(kind: Kind) {
  const { name } = kind
  const pet = petSchema(kind) as unknown as OpenAPIV3.SchemaObject
  const etag = { ETag: { description: 'changes with the content', schema: { type: 'string' } } } as const
  const one = (description: string, headers: OpenAPIV3.ResponseObject['headers'] = {}) => ({
    description,
    headers,
    content: { 'application/json': { schema: pet } },
  })
  const describe = (
    operationId: string,
    summary: string,
    answers: OpenAPIV3.ResponsesObject,
  ): Description => ({
    operationId,
    summary,
    tags: [name],
    responses: answers,
  })
  const unchanged = { 304: { description: 'the client has it: If-None-Match held' } }
  const badBody = {
    400: problem('the body is not JSON'),
    413: problem('the body is too large'),
    415: problem('the body is not application/json'),
    422: problem('a field is missing or not allowed'),
  }
  const missing = { 404: problem('there is no such id') }
  const busy = { 503: problem('the database is busy or away: try again after Retry-After seconds') }

  return {
    list: describe('list', `A page of ${name} by id`, {
      200: {
        description: 'the page; `Link` with rel="next" where there are more',
        headers: { ...etag, Link: { description: 'the next page (RFC 8288)', schema: { type: 'string' } } },
        content: { 'application/json': { schema: { type: 'array', items: pet } } },
      },
      ...unchanged,
      422: problem('limit or after is not allowed'),
      ...busy,
    }),
    create: describe('create', 'Makes one', {
      201: one('what was made', { Location: { description: 'its path', schema: { type: 'string' } } }),
      ...badBody,
      ...busy,
    }),
    removeTests: describe('deleteTests', 'Deletes every test row', {
      200: { description: 'done' },
      422: problem('is_test=true is missing'),
      ...busy,
    }),
    cleanUp: describe('clean', 'Deletes every test row (kept from the original; DELETE is the better way)', {
      200: { description: 'done' },
      ...busy,
    }),
    read: describe('read', 'One by its id', {
      200: one('the one', etag),
      ...unchanged,
      ...missing,
      ...busy,
    }),
    change: describe('change', 'Sets name, breed and the trait; never is_test', {
      200: one('what it is now'),
      ...missing,
      ...badBody,
      ...busy,
    }),
    remove: describe('delete', 'Deletes one', { 200: { description: 'done' }, ...missing, ...busy }),
  }
}

function problem(description: string): OpenAPIV3.ResponseObject {
  return {
    description,
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  }
}
