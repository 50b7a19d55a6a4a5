/** The frame of every HTML page of a service: the API docs and the admin page. The tag `html` escapes every value. */
import { html } from 'hono/html'

export type Html = ReturnType<typeof html>

interface HtmlPage {
  title: string
  /** The elements of the head that only this page has, its style sheet among them. */
  head: Html
  header: Html
  heading: string
  content: Html
}

export const htmlPage = ({ title, head, header, heading, content }: HtmlPage): string =>
  String(
    html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <title>${title}</title>
          ${head}
        </head>
        <body>
          <a class="skip" href="#content">Skip to the content</a>
          <header>${header}</header>
          <main id="content" tabindex="-1">
            <h1>${heading}</h1>
            ${content}
          </main>
        </body>
      </html>`,
  )
