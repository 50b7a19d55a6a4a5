/** The API docs: the OpenAPI document, and a page that shows it by Swagger UI. */
import { Elysia } from 'elysia'
import { type Kind, pathOf } from '../model/kind.ts'
import { openApi } from './openapi.ts'

/** Swagger UI of this version is loaded from unpkg.com. */
const SWAGGER_UI = 'https://unpkg.com/swagger-ui-dist@5.35.0'

/** `GET /<kind>/swagger` and `/<kind>/swagger/json`. */
export function apiDocs(kind: Kind, version: string) {
  const page = `${pathOf(kind)}swagger`
  const document = JSON.stringify(openApi(kind, version))
  const html = pageOf(kind.name, `${page}/json`)
  return new Elysia({ name: `${kind.name}-docs` })
    .get(page, () => new Response(html, { headers: { 'Content-Type': 'text/html; charset=utf-8' } }))
    .get(`${page}/json`, () => new Response(document, { headers: { 'Content-Type': 'application/json' } }))
}

const pageOf = (title: string, document: string): string => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${title}</title>
    <link rel="stylesheet" href="${SWAGGER_UI}/swagger-ui.css">
  </head>
  <body>
    <div id="swagger-ui">
      <p>The scripts of this page come from unpkg.com. If this text stays, the browser could not load them: the document
        is at <a href="${document}">${document}</a>.</p>
    </div>
    <script src="${SWAGGER_UI}/swagger-ui-bundle.js" crossorigin></script>
    <script>if (window.SwaggerUIBundle) SwaggerUIBundle({ url: "${document}", dom_id: "#swagger-ui" })</script>
  </body>
</html>
`
