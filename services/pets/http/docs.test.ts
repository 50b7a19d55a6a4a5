/** The API docs: the document is valid, and describes every route with the constraints of the service. */
import { afterAll, expect, test } from 'bun:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import type { OpenAPIV3 } from 'openapi-types'
import { openPets, temporaryDatabase, testKind } from '../testing.ts'
import { openApi } from './openapi.ts'

const pets = await openPets(temporaryDatabase())
afterAll(() => pets[Symbol.asyncDispose]())
const document = (await (await pets.ask('/dogs/swagger/json')).json()) as OpenAPIV3.Document
const schemas = document.components!.schemas as Record<string, OpenAPIV3.SchemaObject>
const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const

const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  METHODS.flatMap((method) => (item![method] ? [{ path, method, operation: item![method] }] : [])),
)

test('the document is valid OpenAPI 3', async () => {
  const result = await new Validator().validate(structuredClone(document) as never)
  expect(result.errors).toBeUndefined()
  expect(result.valid).toBe(true)
  expect(document.openapi).toBe('3.0.3')
  expect(document.servers).toHaveLength(1)
})

test('it describes every route and method, and no other', () => {
  const routes = pets.app.routes
    .filter(
      ({ path, method }) => path.startsWith('/dogs/') && METHODS.includes(method.toLowerCase() as 'get'),
    )
    .filter(({ path }) => !path.includes('/swagger') && !path.includes('/admin'))
    .map(({ path, method }) => `${method} ${path.replace(':id', '{id}')}`)
  const described = operations.map(({ path, method }) => `${method.toUpperCase()} ${path}`)
  expect(described.toSorted()).toEqual(routes.toSorted())
})

test('operations have unique ids and describe each response', () => {
  const ids = operations.map(({ operation }) => operation.operationId)
  expect(new Set(ids).size).toBe(ids.length)
  for (const { operation } of operations) {
    expect(operation.responses['503']).toHaveProperty('headers.Retry-After')
    for (const response of Object.values(operation.responses)) {
      expect((response as OpenAPIV3.ResponseObject).description).toBeString()
    }
  }
})

test('a dog is one named schema, to which all responses and bodies refer', () => {
  expect(Object.keys(schemas)).toEqual(['Dog', 'NewDog', 'DogChange', 'DogPatch', 'Problem'])
  const references = JSON.stringify(document.paths).match(/"#\/components\/schemas\/Dog"/g)
  expect(references).toHaveLength(5)
  expect(schemas.Dog!.properties!.id).toEqual({
    type: 'integer',
    format: 'int64',
    minimum: 1,
    maximum: Number.MAX_SAFE_INTEGER,
  })
})

test('schemas of bodies have the constraints of the service and no private key', () => {
  expect(schemas.NewDog!.required).toEqual(['name', 'breed'])
  expect(schemas.DogPatch!.required).toBeUndefined()
  expect(schemas.NewDog!.properties!.name).toEqual({
    type: 'string',
    minLength: 1,
    maxLength: 128,
    pattern: '^[^\\u0000]*$',
    description: 'the name',
  })
  expect(JSON.stringify(document)).not.toMatch(/"error":/)
})

test('is_test is required where DELETE requires it', () => {
  expect(document.paths['/dogs/']!.delete!.parameters).toEqual([
    {
      name: 'is_test',
      in: 'query',
      required: true,
      description: 'confirms',
      schema: { type: 'string', enum: ['true'] },
    },
  ])
})

test('the other kind has its own names', () => {
  const { components, paths } = openApi({ ...testKind, name: 'cats', trait: 'likes_to_drop_things' }, '1.0.0')
  expect(Object.keys(components!.schemas!)).toContain('CatPatch')
  expect(Object.keys(paths)).toEqual(['/cats/', '/cats/clean/', '/cats/{id}/'])
  expect(components!.schemas!.Cat).toHaveProperty('properties.likes_to_drop_things')
})

test('the page loads the document by an absolute path, and links it for readers without the CDN', async () => {
  const response = await pets.ask('/dogs/swagger')
  expect(response.headers.get('content-type')).toContain('text/html')
  const html = await response.text()
  expect(html).toContain('url: "/dogs/swagger/json"')
  expect(html).toContain('could not load them')
})
