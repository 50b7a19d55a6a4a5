/**
 * The page of the API docs, made from the OpenAPI document: it can be read without JavaScript, and script.js adds the
 * forms that send requests. It takes the place of Swagger UI, whose files are a hundred times as large.
 */
import { html } from 'hono/html'
import type { OpenAPIV3 } from 'openapi-types'
import { type Html, htmlPage } from '../html_page.ts'
import { exampleOf, typeText } from './schemas.ts'

type Schema = OpenAPIV3.SchemaObject

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const

interface Row {
  name: string
  isRequired: boolean
  type: string
  description: string
}

const tableOf = (label: string, rows: readonly Row[]): Html =>
  html`<div class="table" role="region" aria-label="${label}" tabindex="0">
    <table>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Type</th>
          <th scope="col">Description</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ name, isRequired, type, description }) =>
            html`<tr>
              <th scope="row"><code class="${isRequired ? 'required' : ''}">${name}</code></th>
              <td>${type}</td>
              <td>${description}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`

const propertiesOf = ({ properties = {}, required = [] }: Schema): Row[] =>
  Object.entries(properties as Record<string, Schema>).map(([name, schema]) => ({
    name,
    isRequired: required.includes(name),
    type: typeText(schema),
    description: schema.description ?? '',
  }))

/** @param root the path of the page */
export function docsPage(document: OpenAPIV3.Document, root: string): string {
  const { info, paths, components, servers } = document
  const schemas = components!.schemas as Record<string, Schema>
  const server = servers![0]!.url.replace(/\/$/, '')
  const schemaOf = (media: OpenAPIV3.MediaTypeObject): [name: string, schema: Schema] => {
    const name = (media.schema as OpenAPIV3.ReferenceObject).$ref.split('/').at(-1)!
    return [name, schemas[name]!]
  }

  const operation = (
    path: string,
    method: string,
    common: readonly OpenAPIV3.ParameterObject[],
    each: OpenAPIV3.OperationObject,
  ): Html => {
    const id = each.operationId!
    const parameters = [...common, ...((each.parameters ?? []) as OpenAPIV3.ParameterObject[])]
    const [[type, media] = []] = Object.entries(
      (each.requestBody as OpenAPIV3.RequestBodyObject | undefined)?.content ?? {},
    )
    const [bodyName, body] = media === undefined ? [] : schemaOf(media)
    const input = ({ name, in: place, required, schema }: OpenAPIV3.ParameterObject): Html => {
      const values = (schema as Schema).enum ?? []
      return html`<label for="${id}-${name}" class="${required ? 'required' : ''}">${name}</label>
        <input
          id="${id}-${name}"
          name="${name}"
          data-in="${place}"
          value="${values.length === 1 ? values[0] : ''}"
          autocomplete="off"
          ${required ? html`required` : ''}
        />`
    }
    return html`<details class="operation" id="${id}">
      <summary>
        <span class="method">${method.toUpperCase()}</span> <code>${server}${path}</code> ${each.summary}
      </summary>
      <div>
        ${
          parameters.length === 0
            ? ''
            : html`<h3>Parameters</h3>
                ${tableOf(
                  `Parameters of ${id}`,
                  parameters.map(({ name, in: place, required = false, schema, description = '' }) => ({
                    name,
                    isRequired: required,
                    type: `${typeText(schema as Schema)}, in the ${place}`,
                    description,
                  })),
                )}`
        }
        ${
          body === undefined
            ? ''
            : html`<h3>Body: <code>${bodyName}</code> as <code>${type}</code></h3>
                ${tableOf(`Body of ${id}`, propertiesOf(body))}`
        }
        <h3>Responses</h3>
        <ul>
          ${Object.entries(each.responses as Record<string, OpenAPIV3.ResponseObject>).map(
            ([status, { description }]) => html`<li><code>${status}</code> ${description}</li>`,
          )}
        </ul>
        <form
          class="try"
          hidden
          data-method="${method}"
          data-path="${server}${path}"
          data-type="${type ?? ''}"
        >
          <h3>Try it</h3>
          ${parameters.map(input)}
          ${
            body === undefined
              ? ''
              : html`<label for="${id}-body">Body</label>
                  <textarea id="${id}-body" name="body" spellcheck="false">
${JSON.stringify(exampleOf(body), null, 2)}</textarea>`
          }
          <p><button>Send</button></p>
          <pre hidden role="status" tabindex="0" aria-label="Response of ${id}"></pre>
        </form>
      </div>
    </details>`
  }

  const operations = Object.entries(paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const each = item![method]
      return each
        ? [operation(path, method, (item!.parameters ?? []) as OpenAPIV3.ParameterObject[], each)]
        : []
    }),
  )
  return htmlPage({
    title: `${info.title} API`,
    head: html`<link rel="icon" href="data:," />
      <link rel="stylesheet" href="${root}/style.css" />
      <script src="${root}/script.js" defer></script>`,
    header: html`<strong>${info.title} API</strong> ${info.version}
      <nav aria-label="Site">
        <a href="${root}/json">OpenAPI document</a>
      </nav>`,
    heading: `The API of ${info.title}`,
    content: html`<p>${info.description}</p>
      <h2>Operations</h2>
      ${operations}
      <h2>Schemas</h2>
      ${Object.entries(schemas).map(
        ([name, schema]) =>
          html`<details class="operation">
            <summary><code>${name}</code></summary>
            <div>${tableOf(name, propertiesOf(schema))}</div>
          </details>`,
      )}`,
  })
}
