/** The form of a pet on the admin page, for a new one and for a change: one input for each field. */
import { html } from 'hono/html'
import type { Field, Value } from '../model/field.ts'
import { MAX_CHARACTERS } from '../model/field_types.ts'
import { inputFields, oneOf, singularOf } from '../model/kind.ts'
import type { Html } from '../http/html_page.ts'
import { type Frame, hidden, labelOf, page } from './pages.ts'

/** The attributes of the input of a field, by its type. A browser keeps to them, the service checks them. */
function attributesOf(field: Exclude<Field, { type: 'boolean' | 'enum' }>): Html {
  switch (field.type) {
    case 'text':
      return html`maxlength="${field.maxLength ?? MAX_CHARACTERS}"`
    case 'date':
      return html`type="date"`
    default: {
      const { minimum, maximum, type } = field
      return html`type="number" step="${type === 'integer' ? '1' : 'any'}"
      ${minimum === undefined ? '' : html`min="${minimum}"`}
      ${maximum === undefined ? '' : html`max="${maximum}"`}`
    }
  }
}

/**
 * @param pet the values that the form shows; a new pet has the defaults.
 * @param existing the pet that is changed; absent for a new one.
 */
export function petPage(
  frame: Frame,
  pet: Record<string, Value>,
  errors: ReadonlyMap<string, string>,
  existing?: { id: number; etag: string },
): string {
  const { kind, root, session } = frame
  const problems = [...errors].filter(([field]) => field !== '')
  const input = (name: string, field: Field): Html => {
    const value = pet[name]
    const label = name === 'is_test' ? 'Test row, deleted by /clean/' : labelOf(name)
    if (field.type === 'boolean') {
      return html`<p>
        <input id="${name}" name="${name}" type="checkbox" ${value === true ? html`checked` : ''} />
        <label for="${name}">${label}</label>
      </p>`
    }
    const error = errors.get(name)
    const described = error === undefined ? '' : html`aria-invalid="true" aria-describedby="${name}-error"`
    const option = (each: string) => html`<option ${each === value ? html`selected` : ''}>${each}</option>`
    const control =
      field.type === 'enum'
        ? html`<select id="${name}" name="${name}" ${described}>
            ${field.values.map(option)}
          </select>`
        : html`<input
            id="${name}"
            name="${name}"
            value="${value ?? ''}"
            ${attributesOf(field)}
            required
            autocomplete="off"
            ${described}
          />`
    return html`<p>
      <label for="${name}">${label}</label>
      ${control}
      ${error === undefined ? '' : html`<span class="error" id="${name}-error">${label} ${error}</span>`}
    </p>`
  }
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
    existing ? `Change ${singularOf(kind)} ${existing.id}` : `Add ${oneOf(kind)}`,
    html`${summary}
      <form class="fields" method="post" action="${root}${existing ? `${existing.id}/` : 'add'}" novalidate>
        ${hidden('csrf', session!.csrf)} ${existing ? hidden('etag', existing.etag) : ''}
        ${inputFields(kind).map(([name, field]) => input(name, field))}
        <p>
          <button>Save</button> <a href="${root}">Cancel</a>
          ${existing ? html`<a class="danger" href="${root}${existing.id}/delete">Delete</a>` : ''}
        </p>
      </form>`,
  )
}
