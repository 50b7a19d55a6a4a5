/** The HTML of the admin page. The tag `html` escapes every value. The pages need no JavaScript. */
import { html } from 'hono/html'
import type { Kind } from '../model/kind.ts'
import { MAX_CHARACTERS, type Pet, type PetInput } from '../model/pet.ts'
import { linkOf, type ListState, ROWS_PER_PAGE } from './list_state.ts'

type Html = ReturnType<typeof html>

/** The parts that all pages of a kind share. */
export interface Frame {
  kind: Kind
  /** The path of the list. */
  root: string
  /** Absent on the page to log in. */
  session?: { user: string; csrf: string }
}

const oneOf = ({ name }: Kind): string => name.replace(/s$/, '')
const labelOf = (field: string): string => {
  const words = field.replaceAll('_', ' ')
  return `${words[0]!.toUpperCase()}${words.slice(1)}`
}
const hidden = (name: string, value: string): Html =>
  html`<input type="hidden" name="${name}" value="${value}" />`

function page({ kind, root, session }: Frame, title: string, content: Html): string {
  const navigation = session
    ? html`<nav aria-label="Site">
        <a href="${root}">${labelOf(kind.name)}</a>
        <a href="/${kind.name}/swagger">API docs</a>
        <form method="post" action="${root}logout">
          ${hidden('csrf', session.csrf)}
          <button class="link">Log out ${session.user}</button>
        </form>
      </nav>`
    : ''
  return String(
    html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <title>${title} – ${labelOf(kind.name)} admin</title>
          <link rel="stylesheet" href="${root}style.css" />
        </head>
        <body>
          <a class="skip" href="#content">Skip to the content</a>
          <header><strong>${labelOf(kind.name)} admin</strong>${navigation}</header>
          <main id="content" tabindex="-1">
            <h1>${title}</h1>
            ${content}
          </main>
        </body>
      </html>`,
  )
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

export function listPage(
  frame: Frame,
  state: ListState,
  { pets, total }: { pets: readonly Pet[]; total: number },
  message: string | undefined,
): string {
  const { kind, root, session } = frame
  const { search, isTest, sort, isDescending } = state
  const option = (value: string, text: string) =>
    html`<option value="${value}" ${value === isTest ? html`selected` : ''}>${text}</option>`
  const filters = html`<form class="filters" method="get" action="${root}" role="search">
    <label for="q">Search</label>
    <input id="q" name="q" type="search" value="${search}" maxlength="${MAX_CHARACTERS}" />
    <label for="is_test">Test rows</label>
    <select id="is_test" name="is_test">
      ${option('', 'All')}${option('true', 'Only')}${option('false', 'None')}
    </select>
    ${sort === 'id' && !isDescending ? '' : hidden('sort', `${isDescending ? '-' : ''}${sort}`)}
    <button>Show</button>
    ${search === '' && isTest === '' ? '' : html`<a href="${root}">Show all</a>`}
  </form>`
  const heading = (column: string, label: string) => {
    const isSorted = sort === column
    const order = isDescending ? 'descending' : 'ascending'
    const link = linkOf(state, { sort: column, isDescending: isSorted && !isDescending })
    return html`<th scope="col" ${isSorted ? html`aria-sort="${order}"` : ''}>
      <a href="${root}${link}"
        >${label}${isSorted ? html`<span aria-hidden="true"> ${isDescending ? '↓' : '↑'}</span>` : ''}</a
      >
    </th>`
  }
  const row = (pet: Pet) =>
    html`<tr>
      <td>
        <input type="checkbox" name="id" value="${pet.id}" aria-label="Select ${pet.name}, ${pet.id}" />
      </td>
      <td>${pet.id}</td>
      <th scope="row"><a href="${root}${pet.id}/">${pet.name}</a></th>
      <td>${pet.breed}</td>
      <td>${pet[kind.trait] === true ? 'Yes' : 'No'}</td>
      <td>${pet.is_test ? 'Yes' : 'No'}</td>
    </tr>`
  const table = html`<form method="post" action="${root}actions">
    ${hidden('csrf', session!.csrf)}
    <p class="filters">
      <label for="action">With the selected rows</label>
      <select id="action" name="action">
        <option value="delete">Delete</option>
        <option value="mark">Mark as test</option>
        <option value="unmark">Mark as no test</option>
      </select>
      <button>Go</button>
    </p>
    <div class="table" role="region" aria-label="${labelOf(kind.name)}" tabindex="0">
      <table>
        <thead>
          <tr>
            <th scope="col"><span class="hidden">Select</span></th>
            ${heading('id', 'Id')}${heading('name', 'Name')}${heading('breed', 'Breed')}
            ${heading(kind.trait, labelOf(kind.trait))}${heading('is_test', 'Test')}
          </tr>
        </thead>
        <tbody>
          ${pets.map(row)}
        </tbody>
      </table>
    </div>
  </form>`
  return page(
    frame,
    labelOf(kind.name),
    html`${message === undefined ? '' : html`<p class="done" role="status">${message}</p>`}
      <p><a class="button" href="${root}add">Add a ${oneOf(kind)}</a></p>
      ${filters}
      <p>${total === 1 ? html`1 ${oneOf(kind)}` : html`${total} ${kind.name}`}</p>
      ${pets.length === 0 ? '' : table} ${pagesOf(root, state, total)}`,
  )
}

function pagesOf(root: string, state: ListState, total: number): Html | '' {
  const last = Math.max(1, Math.ceil(total / ROWS_PER_PAGE))
  if (last === 1 && state.page === 1) return ''
  const to = (number: number, text: string) =>
    html`<a href="${root}${linkOf(state, { page: number })}">${text}</a>`
  return html`<nav class="pages" aria-label="Pages">
    ${state.page > 1 ? to(Math.min(state.page - 1, last), 'Previous') : ''}
    <span aria-current="page">Page ${state.page} of ${last}</span>
    ${state.page < last ? to(state.page + 1, 'Next') : ''}
  </nav>`
}

/** @param id of the pet that is changed; absent for a new one. */
export function petPage(
  frame: Frame,
  pet: PetInput,
  errors: ReadonlyMap<string, string>,
  existing?: { id: number; etag: string },
): string {
  const { kind, root, session } = frame
  const problems = [...errors].filter(([field]) => field !== '')
  const field = (name: string, value: string) => {
    const error = errors.get(name)
    const described = error === undefined ? '' : html`aria-invalid="true" aria-describedby="${name}-error"`
    return html`<p>
      <label for="${name}">${labelOf(name)}</label>
      <input
        id="${name}"
        name="${name}"
        value="${value}"
        maxlength="${MAX_CHARACTERS}"
        required
        autocomplete="off"
        ${described}
      />
      ${error === undefined ? '' : html`<span class="error" id="${name}-error">${labelOf(name)} ${error}</span>`}
    </p>`
  }
  const flag = (name: string, label: string) =>
    html`<p>
      <input id="${name}" name="${name}" type="checkbox" ${pet[name] === true ? html`checked` : ''} />
      <label for="${name}">${label}</label>
    </p>`
  const summary =
    errors.size === 0
      ? ''
      : html`<div class="problem" role="alert">
          <p>${errors.get('') ?? 'Nothing was saved. Correct:'}</p>
          <ul>
            ${problems.map(([name, error]) => html`<li><a href="#${name}">${labelOf(name)}</a> ${error}</li>`)}
          </ul>
        </div>`
  return page(
    frame,
    existing ? `Change ${oneOf(kind)} ${existing.id}` : `Add a ${oneOf(kind)}`,
    html`${summary}
      <form class="fields" method="post" action="${root}${existing ? `${existing.id}/` : 'add'}" novalidate>
        ${hidden('csrf', session!.csrf)} ${existing ? hidden('etag', existing.etag) : ''}
        ${field('name', pet.name)} ${field('breed', pet.breed)} ${flag(kind.trait, labelOf(kind.trait))}
        ${flag('is_test', 'Test row, deleted by /clean/')}
        <p>
          <button>Save</button> <a href="${root}">Cancel</a>
          ${existing ? html`<a class="danger" href="${root}${existing.id}/delete">Delete</a>` : ''}
        </p>
      </form>`,
  )
}

export const deletePage = (frame: Frame, pets: readonly Pet[]): string =>
  page(
    frame,
    pets.length === 1
      ? `Delete ${oneOf(frame.kind)} ${pets[0]!.id}?`
      : `Delete ${pets.length} ${frame.kind.name}?`,
    html`<ul>
        ${pets.map(({ id, name, breed }) => html`<li>${name}, ${breed} (${id})</li>`)}
      </ul>
      <form method="post" action="${frame.root}actions">
        ${hidden('csrf', frame.session!.csrf)} ${hidden('action', 'delete')} ${hidden('confirmed', 'true')}
        ${pets.map(({ id }) => hidden('id', String(id)))}
        <p><button class="danger">Delete</button> <a href="${frame.root}">Cancel</a></p>
      </form>`,
  )

export const problemPage = (frame: Frame, title: string, detail: string): string =>
  page(
    frame,
    title,
    html`<p>${detail}</p>
      <p><a href="${frame.root}">Back to the list</a></p>`,
  )
