/** The list of the admin page: search, filter, order, pages, and actions on the selected rows. */
import { html } from 'hono/html'
import type { Value } from '../model/field.ts'
import { MAX_CHARACTERS } from '../model/field_types.ts'
import { columnsOf, fieldsOfType, oneOf, singularOf } from '../model/kind.ts'
import type { Pet } from '../model/pet.ts'
import { linkOf, type ListState, ROWS_PER_PAGE } from './list_state.ts'
import type { Html } from '../http/html_page.ts'
import { type Frame, hidden, labelOf, page } from './pages.ts'

/** A value as people read it. */
const shown = (value: Value): string => (typeof value === 'boolean' ? (value ? 'Yes' : 'No') : String(value))

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
  // The column that names a row and leads to it.
  const [named = 'id'] = fieldsOfType(kind, 'text')
  const cell = (pet: Pet, column: string) =>
    column === named
      ? html`<th scope="row"><a href="${root}${pet.id}/">${pet[column]}</a></th>`
      : html`<td>${shown(pet[column]!)}</td>`
  const row = (pet: Pet) =>
    html`<tr>
      <td>
        <input type="checkbox" name="id" value="${pet.id}" aria-label="Select ${pet[named]}, ${pet.id}" />
      </td>
      ${columnsOf(kind).map((column) => cell(pet, column))}
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
            ${columnsOf(kind).map((column) => heading(column, column === 'is_test' ? 'Test' : labelOf(column)))}
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
      <p><a class="button" href="${root}add">Add ${oneOf(kind)}</a></p>
      ${filters}
      <p>${total === 1 ? html`1 ${singularOf(kind)}` : html`${total} ${kind.name}`}</p>
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
