/**
 * The HTML of the admin page: the frame of all pages, and the simple ones. The list is in list_page.ts, the form of a pet in
 * form_page.ts. The tag `html` escapes every value. The pages need no JavaScript.
 */
import { html } from 'hono/html'
import { type Html, htmlPage } from '../http/html_page.ts'
import { fieldsOfType, type Kind, singularOf } from '../model/kind.ts'
import type { Pet } from '../model/pet.ts'

/** The parts that all pages of a kind share. */
export interface Frame {
  kind: Kind
  /** The path of the list. */
  root: string
  /** The path of the API docs. */
  docs: string
  /** Absent on the page to log in. */
  session?: { user: string; csrf: string }
}

export const labelOf = (field: string): string => {
  const words = field.replaceAll('_', ' ')
  return `${words[0]!.toUpperCase()}${words.slice(1)}`
}
export const hidden = (name: string, value: string): Html =>
  html`<input type="hidden" name="${name}" value="${value}" />`

export function page({ kind, root, docs, session }: Frame, title: string, content: Html): string {
  const navigation = session
    ? html`<nav aria-label="Site">
        <a href="${root}">${labelOf(kind.name)}</a>
        <a href="${docs}">API docs</a>
        <form method="post" action="${root}logout">
          ${hidden('csrf', session.csrf)}
          <button class="link">Log out ${session.user}</button>
        </form>
      </nav>`
    : ''
  return htmlPage({
    title: `${title} – ${labelOf(kind.name)} admin`,
    head: html`<link rel="stylesheet" href="${root}style.css" />`,
    header: html`<strong>${labelOf(kind.name)} admin</strong>${navigation}`,
    heading: title,
    content,
  })
}

export const logInPage = (frame: Frame, message: string | undefined, user: string): string =>
  page(
    frame,
    'Log in',
    html`${message === undefined ? '' : html`<p class="problem" role="alert">${message}</p>`}
      <form class="fields" method="post" action="${frame.root}login">
        <p>
          <label for="user">User</label>
          <input id="user" name="user" value="${user}" autocomplete="username" required />
        </p>
        <p>
          <label for="password">Password</label>
          <input id="password" name="password" type="password" autocomplete="current-password" required />
        </p>
        <p><button>Log in</button></p>
      </form>`,
  )

export const deletePage = (frame: Frame, pets: readonly Pet[]): string =>
  page(
    frame,
    pets.length === 1
      ? `Delete ${singularOf(frame.kind)} ${pets[0]!.id}?`
      : `Delete ${pets.length} ${frame.kind.name}?`,
    html`<ul>
        ${pets.map((pet) => html`<li>${textsOf(frame.kind, pet)} (${pet.id})</li>`)}
      </ul>
      <form method="post" action="${frame.root}actions">
        ${hidden('csrf', frame.session!.csrf)} ${hidden('action', 'delete')} ${hidden('confirmed', 'true')}
        ${pets.map(({ id }) => hidden('id', String(id)))}
        <p><button class="danger">Delete</button> <a href="${frame.root}">Cancel</a></p>
      </form>`,
  )

const textsOf = (kind: Kind, pet: Pet): string =>
  fieldsOfType(kind, 'text')
    .map((name) => pet[name])
    .join(', ')

export const problemPage = (frame: Frame, title: string, detail: string): string =>
  page(
    frame,
    title,
    html`<p>${detail}</p>
      <p><a href="${frame.root}">Back to the list</a></p>`,
  )
