import { afterAll, expect, test } from 'bun:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { openPets, temporaryDatabase } from '../testing.ts'

const pets = await openPets(temporaryDatabase())
afterAll(() => pets[Symbol.asyncDispose]())
const document = await (await pets.ask('/dogs/swagger/json')).json()

test('the document is valid OpenAPI 3', async () => {
  const result = await new Validator().validate(document)
  expect(result.errors).toBeUndefined()
  expect(result.valid).toBe(true)
  expect(document.openapi).toBe('3.0.3')
})

test('it describes every route and method, and no other', () => {
  const operations = Object.entries(document.paths as Record<string, object>).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  expect(operations.toSorted()).toEqual([
    'DELETE /dogs/',
    'DELETE /dogs/{id}/',
    'GET /dogs/',
    'GET /dogs/clean/',
    'GET /dogs/{id}/',
    'POST /dogs/',
    'PUT /dogs/{id}/',
  ])
})

test('bodies are JSON only, and their schemas have the constraints of the service and no private key', () => {
  const { content } = document.paths['/dogs/'].post.requestBody
  expect(Object.keys(content)).toEqual(['application/json'])
  const { schema } = content['application/json']
  expect(schema.required).toEqual(['name', 'breed'])
  expect(schema.properties.name).toMatchObject({ type: 'string', minLength: 1, maxLength: 128 })
  expect(JSON.stringify(document)).not.toMatch(/"error":|x-integer/)
})

test('parameters have the type that the service requires', () => {
  const [limit] = document.paths['/dogs/'].get.parameters
  expect(limit).toMatchObject({
    name: 'limit',
    in: 'query',
    schema: { type: 'integer', minimum: 1, maximum: 1000 },
  })
  expect(document.paths['/dogs/{id}/'].put.parameters).toEqual([
    { name: 'id', in: 'path', required: true, schema: { type: 'integer', minimum: 1 } },
  ])
})

test('the page loads the document by an absolute path, and links it for readers without the CDN', async () => {
  const response = await pets.ask('/dogs/swagger')
  expect(response.headers.get('content-type')).toContain('text/html')
  const html = await response.text()
  expect(html).toContain('"url":"/dogs/swagger/json"')
  expect(html).toContain('could not load them')
})
