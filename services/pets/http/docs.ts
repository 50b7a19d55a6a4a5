/**
 * API docs: the swagger plugin, and repairs of its document and page. The plugin repeats each body under three media types,
 * copies private keys into the schemas, types every path parameter as a string, and shows an empty page without its CDN.
 */
import { swagger } from '@elysiajs/swagger'
import { Elysia } from 'elysia'
import type { OpenAPIV3 } from 'openapi-types'
import { type Kind, pathOf } from '../model/kind.ts'

/** `GET /<kind>/swagger` and `/<kind>/swagger/json`. */
export function apiDocs(kind: Kind, version: string) {
  const page = `${pathOf(kind)}swagger`
  const document = `${page}/json`
  return new Elysia({ name: `${kind.name}-docs` })
    .onAfterHandle(({ path, responseValue }) =>
      path === document
        ? repair(responseValue as OpenAPIV3.Document)
        : // The plugin's page is a static Response; Elysia passes it to hooks as a function that copies it.
          repairPage((responseValue as () => Response)(), document),
    )
    .use(
      swagger({
        provider: 'swagger-ui',
        path: page,
        documentation: {
          info: {
            title: kind.name,
            version,
            description: `Stores ${kind.name}. Errors are application/problem+json (RFC 9457).`,
          },
          tags: [{ name: kind.name }],
          components: { schemas: { Problem: problemSchema } },
        },
      }),
    )
}

const problemSchema: OpenAPIV3.SchemaObject = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
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

/** Makes the plugin's document valid OpenAPI 3.0.3 and equal to the behaviour of the routes. */
export function repair(document: OpenAPIV3.Document): OpenAPIV3.Document {
  const repaired: OpenAPIV3.Document = structuredClone(document)
  for (const path of Object.values(repaired.paths)) {
    for (const operation of Object.values(path ?? {}) as OpenAPIV3.OperationObject[]) {
      const body = operation.requestBody as OpenAPIV3.RequestBodyObject | undefined
      if (body) body.content = { 'application/json': body.content['application/json']! }
      if (operation.parameters) {
        operation.parameters = (operation.parameters as OpenAPIV3.ParameterObject[]).map(repairParameter)
      }
    }
  }
  return withoutPrivateKeys(repaired) as OpenAPIV3.Document
}

/** Elysia sees parameters as strings and query.ts checks them; `x-integer` holds their bounds for the document. */
function repairParameter(parameter: OpenAPIV3.ParameterObject): OpenAPIV3.ParameterObject {
  const { 'x-integer': bounds, ...schema } = parameter.schema as OpenAPIV3.SchemaObject & {
    'x-integer'?: object
  }
  if (parameter.in === 'path') return { ...parameter, schema: { type: 'integer', minimum: 1 } }
  return { ...parameter, schema: bounds ? { type: 'integer', ...bounds } : schema }
}

/** `error` holds the message for a value that fails the schema; OpenAPI has no such key. */
function withoutPrivateKeys(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(withoutPrivateKeys)
  if (typeof node !== 'object' || node === null) return node
  return Object.fromEntries(
    Object.entries(node)
      .filter(([key, value]) => value !== undefined && !(key === 'error' && typeof value === 'string'))
      .map(([key, value]) => [key, withoutPrivateKeys(value)]),
  )
}

/** The plugin's page names the document by a relative address, which a browser resolves to a wrong path. */
async function repairPage(page: Response, document: string): Promise<Response> {
  const note =
    '<p>The scripts of this page come from unpkg.com. If this text stays, the browser could not load them: ' +
    `the document is at <a href="${document}">${document}</a>.</p>`
  const html = (await page.text())
    .replace(`"url":"${document.slice(1)}"`, `"url":"${document}"`)
    .replace('<div id="swagger-ui"></div>', `<div id="swagger-ui">${note}</div>`)
  return new Response(html, { headers: { 'Content-Type': 'text/html; charset=utf-8' } })
}
