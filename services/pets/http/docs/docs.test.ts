/** The API docs: the document is valid, and describes every route with the constraints of the service. */
import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import type { OpenAPIV3 } from 'openapi-types'
import { openPets, temporaryDatabase, testKind } from '../../testing.ts'
import { openApi } from './openapi.ts'
import { docsPage } from './page.ts'
import { exampleOf, typeText } from './schemas.ts'

/** On a machine that may be busy. */
setDefaultTimeout(120_000)

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

test('a change of the document shows in its snapshot: clients are generated from it', () => {
  expect(document).toMatchSnapshot()
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
  const { likes_to_bark, ...fields } = testKind.fields
  const cats = { ...testKind, name: 'cats', fields: { ...fields, likes_to_drop_things: likes_to_bark! } }
  const { components, paths } = openApi(cats, '1.0.0')
  expect(Object.keys(components!.schemas!)).toContain('CatPatch')
  expect(Object.keys(paths)).toEqual(['/cats/', '/cats/clean/', '/cats/{id}/'])
  expect(components!.schemas!.Cat).toHaveProperty('properties.likes_to_drop_things')
})

const PAGE = ['/dogs/swagger', '/dogs/swagger/style.css', '/dogs/swagger/script.js', '/dogs/swagger/json']

test.each(PAGE)(
  '%s is sent again only if it has changed, and allows nothing from elsewhere',
  async (path) => {
    const response = await pets.ask(path)
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toBe('no-cache')
    expect(response.headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    )
    const etag = response.headers.get('etag')!
    expect((await pets.ask(path, { headers: { 'If-None-Match': etag } })).status).toBe(304)
    expect((await response.text()).length).toBeLessThan(100_000)
  },
)

test('the page says what each operation does, takes and returns, and loads only files of the service', async () => {
  const response = await pets.ask('/dogs/swagger')
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
  const html = await response.text()
  for (const { path, method, operation } of operations) {
    const summary = new RegExp(
      `<span class="method">${method.toUpperCase()}</span> <code>${path}</code>\\s+${operation.summary!.replace(/[()]/g, '\\$&')}`,
    )
    expect(html).toMatch(summary)
  }
  for (const text of ['Create a dog', 'Get a dog by id', 'text, 1 to 128 characters', 'integer, 1 to 1000']) {
    expect(html).toContain(text)
  }
  const loaded = [...html.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, link]) => link)
  expect(loaded).toEqual(['data:,', PAGE[1], PAGE[2], PAGE[3]])
  expect(html).not.toMatch(/style="|<script>|<style| on[a-z]+="/)
})

const operationOf = (html: string, id: string) =>
  new RegExp(`<details class="operation" id="${id}">[\\s\\S]*?</details>`)
    .exec(html)![0]
    .replaceAll(/\s+/g, ' ')

test('an operation shows its parameters, its body and its responses, if it has them, and a form', async () => {
  const html = await (await pets.ask('/dogs/swagger')).text()
  const list = operationOf(html, 'list')
  expect(list).toContain('Parameters of list')
  expect(list).toMatch(/<code class="">limit<\/code><\/th> <td>integer, 1 to 1000, in the query<\/td>/)
  expect(list).not.toContain('Body')
  expect(list).toContain('<code>422</code> a parameter is wrong')
  expect(list).toMatch(/<input id="list-limit" name="limit" data-in="query" value="" autocomplete="off" \/>/)
  const create = operationOf(html, 'create')
  expect(create).toContain('<code>NewDog</code> as <code>application/json</code>')
  expect(create).toMatch(/<code class="required">name<\/code><\/th> <td>text, 1 to 128 characters<\/td>/)
  expect(create).toMatch(/<code class="">likes_to_bark<\/code><\/th> <td>boolean<\/td>/)
  expect(create).toContain('data-method="post" data-path="/dogs/" data-type="application/json"')
  expect(create).toContain('{ &quot;name&quot;: &quot;name&quot;, &quot;breed&quot;: &quot;breed&quot; }')
  const clean = operationOf(html, 'clean')
  expect(clean).not.toContain('Parameters')
  expect(clean).not.toContain('<textarea')
  expect(clean).toContain('data-path="/dogs/clean/" data-type=""')
  const deleteTests = operationOf(html, 'deleteTests')
  expect(deleteTests).toContain('name="is_test" data-in="query" value="true" autocomplete="off" required />')
  expect(operationOf(html, 'read')).toContain(
    'name="id" data-in="path" value="" autocomplete="off" required />',
  )
  expect(operationOf(html, 'patch')).toContain('data-type="application/merge-patch+json"')
  for (const name of Object.keys(schemas)) expect(html).toContain(`<summary><code>${name}</code></summary>`)
})

test('texts of a document are text, never markup', () => {
  const html = docsPage(
    { ...document, info: { title: '<b>', version: '1', description: '"><script>' } },
    '/x',
  )
  expect(html).toContain('The API of &lt;b&gt;')
  expect(html).not.toContain('<script>')
})

test.each<[OpenAPIV3.SchemaObject, string, unknown]>([
  [{ type: 'integer', minimum: 1, maximum: 9 }, 'integer, 1 to 9', 1],
  [{ type: 'integer', minimum: 3, maximum: Number.MAX_SAFE_INTEGER }, 'integer, at least 3', 3],
  [{ type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: 0 }, 'integer, at most 0', 0],
  [{ type: 'number' }, 'number', 1],
  [{ type: 'string' }, 'text', 'a_field'],
  [{ type: 'string', minLength: 1, maxLength: 3 }, 'text, 1 to 3 characters', 'a_f'],
  [{ type: 'string', format: 'date' }, 'date', '2024-02-29'],
  [{ type: 'string', enum: ['a', 'b'] }, '"a" or "b"', 'a'],
  [{ anyOf: [{ type: 'boolean' }, { enum: [1] }] }, 'boolean', true],
  [{ type: 'array', items: {} }, 'list', true],
])('%j is shown as %s, with the example %j', (schema, text, example) => {
  expect(typeText(schema)).toBe(text)
  expect(exampleOf({ properties: { a_field: schema }, required: ['a_field'] })).toEqual({ a_field: example })
})

test('a body without required properties has the first one as its example', () => {
  const properties: Record<string, OpenAPIV3.SchemaObject> = { a: { type: 'string' }, b: { type: 'string' } }
  expect(exampleOf({ properties })).toEqual({ a: 'a' })
})
