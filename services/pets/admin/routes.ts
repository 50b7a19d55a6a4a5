/**
 * The admin page of one kind: log in, browse, create, change, delete, act on many rows. A form whose session or token is
 * wrong changes nothing. Every write is logged with its user.
 */
import type { Logger } from '@bun-monitoring/prefork'
import { Elysia } from 'elysia'
import type { BodyLimits } from '../http/body.ts'
import { headersOf } from '../http/fields.ts'
import type { PublicPathOf } from '../http/public_path.ts'
import { readId } from '../http/query.ts'
import { idsOf } from '../http/request_ids.ts'
import { etagOf } from '../http/representation.ts'
import { type Kind, pathOf } from '../model/kind.ts'
import { defaultsOf, patched, type Pet, petInput, type PetInput } from '../model/pet.ts'
import { type Store, Unavailable } from '../store/store.ts'
import { petFormOf, readForm } from './forms.ts'
import { queryOf, readListState, ROWS_PER_PAGE } from './list_state.ts'
import { petPage } from './form_page.ts'
import { listPage } from './list_page.ts'
import { deletePage, type Frame, logInPage, problemPage } from './pages.ts'
import { type AdminAccount, areEqual, type Session, Sessions } from './sessions.ts'
import { STYLE } from '../http/style.ts'

const PAGE_HEADERS = headersOf({
  'Content-Type': 'text/html; charset=utf-8',
  'Cache-Control': 'no-store',
  'Content-Security-Policy':
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
})

interface Context {
  request: Request
  params: Record<string, string>
}

/** A request with a session; `form` is empty for GET. */
interface Visit extends Context {
  session: Session
  frame: Frame
  form: URLSearchParams
}

/** The messages of the list after a redirect, by the name of the action that is done. */
const DONE: Record<string, (count: number, kind: Kind) => string> = {
  created: () => 'The row was created.',
  changed: () => 'The row was changed.',
  deleted: (count, { name }) => `Deleted: ${count} ${name}.`,
  marked: (count, { name }) => `Marked as test: ${count} ${name}.`,
  unmarked: (count, { name }) => `Marked as no test: ${count} ${name}.`,
}

export function adminRoutes(
  kind: Kind,
  store: Store,
  limits: BodyLimits,
  publicPath: PublicPathOf,
  account: AdminAccount | undefined,
  log: Logger,
) {
  const app = new Elysia({ name: `${kind.name}-admin` })
  if (!account) return app
  const root = `${pathOf(kind)}admin/` as const
  const sessions = new Sessions(account, `${kind.name}_admin`)
  const rootOf = (request: Request): string => `${publicPath(request)}${root}`
  const frameOf = (request: Request): Frame => ({
    kind,
    root: rootOf(request),
    docs: `${publicPath(request)}${pathOf(kind)}swagger`,
  })

  const show = (html: string, status = 200): Response => new Response(html, { status, headers: PAGE_HEADERS })
  const goTo = (request: Request, path: string): Response => {
    const response = new Response(null, { status: 303, headers: PAGE_HEADERS })
    response.headers.set('Location', `${rootOf(request)}${path}`)
    return response
  }
  const done = ({ request }: Visit, what: string, count = 1): Response =>
    goTo(request, `?done=${what}&count=${count}`)
  const wrote = ({ request, session }: Visit, action: string, ids: readonly number[]): void =>
    log.info({ user: session.user, action, model: kind.name, ids, ...idsOf(request) }, 'admin')
  const missing = ({ frame }: Visit): Response =>
    show(problemPage(frame, 'Not found', 'The row does not exist, or not any more.'), 404)

  /** Pages are for people: an outage is told as a page, too. */
  const guarded = async (frame: Frame, act: () => Promise<Response>): Promise<Response> => {
    try {
      return await act()
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      const response = show(problemPage(frame, 'Not available', error.message), 503)
      response.headers.set('Retry-After', '1')
      return response
    }
  }
  const visit = async (context: Context, form: URLSearchParams, act: (visit: Visit) => Promise<Response>) => {
    const session = sessions.read(context.request.headers.get('cookie'))
    if (!session) return goTo(context.request, 'login')
    const frame = { ...frameOf(context.request), session }
    return guarded(frame, () => act({ ...context, session, frame, form }))
  }
  const get = (act: (visit: Visit) => Promise<Response>) => (context: Context) =>
    visit(context, new URLSearchParams(), act)
  const post =
    (act: (visit: Visit) => Promise<Response>) =>
    ({ request, params, body }: Context & { body: unknown }) =>
      visit({ request, params }, body as URLSearchParams, async (each) => {
        if (areEqual(each.form.get('csrf') ?? '', each.session.csrf)) return act(each)
        return show(problemPage(each.frame, 'Refused', 'The form is too old: open it again.'), 403)
      })
  const parse = { parse: ({ request }: { request: Request }) => readForm(request, limits) }

  const tagOf = (pet: Pet): string => etagOf(JSON.stringify(pet))
  const find = async (idText: string): Promise<Pet | undefined> => {
    const id = readId(idText)
    return id === undefined ? undefined : store.find(id)
  }
  const selected = async (form: URLSearchParams): Promise<Pet[]> => {
    const ids = form.getAll('id').slice(0, ROWS_PER_PAGE)
    const pets = await Promise.all(ids.map(find))
    return pets.filter((pet) => pet !== undefined)
  }

  const logIn = async ({ request, body }: { request: Request; body: unknown }): Promise<Response> => {
    const form = body as URLSearchParams
    const user = form.get('user') ?? ''
    const isSecure = request.headers.get('x-forwarded-proto') === 'https'
    const result = await sessions.logIn(user, form.get('password') ?? '', rootOf(request), isSecure)
    if (result && 'cookie' in result) {
      log.info({ user, action: 'log in', ...idsOf(request) }, 'admin')
      const response = goTo(request, '')
      response.headers.set('Set-Cookie', result.cookie)
      return response
    }
    log.warn({ action: 'refused log-in', ...idsOf(request) }, 'admin')
    if (!result) return show(logInPage(frameOf(request), 'The user or the password is wrong.', user), 401)
    const message = `Too many log-ins failed. Try again in ${result.retryAfterSeconds} s.`
    const response = show(logInPage(frameOf(request), message, user), 429)
    response.headers.set('Retry-After', String(result.retryAfterSeconds))
    return response
  }

  const showList = async ({ request, frame }: Visit): Promise<Response> => {
    const state = readListState(kind, request.url)
    const parameters = new URL(request.url, 'http://localhost').searchParams
    const told = DONE[parameters.get('done') ?? '']
    const message = told?.(Number(parameters.get('count')) || 0, kind)
    return show(listPage(frame, state, await store.browse(queryOf(state)), message))
  }

  const create = async (each: Visit): Promise<Response> => {
    const { pet, errors } = petFormOf(kind, each.form)
    if (errors.size > 0) return show(petPage(each.frame, pet, errors), 422)
    const { id } = await store.insert(petInput(kind, pet))
    wrote(each, 'create', [id])
    return done(each, 'created')
  }

  const showOne = async (each: Visit): Promise<Response> => {
    const pet = await find(each.params.id!)
    if (!pet) return missing(each)
    return show(petPage(each.frame, pet, new Map(), { id: pet.id, etag: tagOf(pet) }))
  }

  const change = async (each: Visit): Promise<Response> => {
    const current = await find(each.params.id!)
    if (!current) return missing(each)
    const { id } = current
    const { pet, errors } = petFormOf(kind, each.form)
    if (errors.size > 0) {
      return show(petPage(each.frame, pet, errors, { id, etag: each.form.get('etag') ?? '' }), 422)
    }
    const isCurrent = each.form.get('etag') === tagOf(current)
    if (isCurrent && (await store.update(id, petInput(kind, pet), current))) {
      wrote(each, 'change', [id])
      return done(each, 'changed')
    }
    const later = await store.find(id)
    if (!later) return missing(each)
    const conflict = new Map([
      [
        '',
        'Nothing was saved: another user has changed the row meanwhile. Save again to overwrite that change.',
      ],
    ])
    return show(petPage(each.frame, pet, conflict, { id, etag: tagOf(later) }), 409)
  }

  const askToDelete = async (each: Visit): Promise<Response> => {
    const pet = await find(each.params.id!)
    return pet ? show(deletePage(each.frame, [pet])) : missing(each)
  }

  const act = async (each: Visit): Promise<Response> => {
    const pets = await selected(each.form)
    const action = each.form.get('action')
    if (pets.length === 0) return goTo(each.request, '')
    if (action === 'delete') {
      if (!each.form.has('confirmed')) return show(deletePage(each.frame, pets))
      return report(each, 'delete', 'deleted', pets, ({ id }) => store.delete(id))
    }
    if (action !== 'mark' && action !== 'unmark') return goTo(each.request, '')
    const isTest = action === 'mark'
    const input = (pet: Pet): PetInput => patched(kind, pet, { is_test: isTest })
    return report(
      each,
      action,
      `${action}ed`,
      pets,
      async (pet) => (await store.update(pet.id, input(pet), pet)) !== undefined,
    )
  }

  /** Writes row by row: rows that were changed meanwhile stay as they are, and are not counted. */
  const report = async (
    each: Visit,
    action: string,
    what: string,
    pets: readonly Pet[],
    write: (pet: Pet) => boolean | Promise<boolean>,
  ): Promise<Response> => {
    const ids: number[] = []
    for (const pet of pets) if (await write(pet)) ids.push(pet.id)
    wrote(each, action, ids)
    return done(each, what, ids.length)
  }

  const logOut = async ({ request }: Visit): Promise<Response> => {
    const response = goTo(request, 'login')
    response.headers.set('Set-Cookie', sessions.endCookie(rootOf(request)))
    return response
  }

  return app
    .get(
      `${root}style.css`,
      () => new Response(STYLE, { headers: { 'Content-Type': 'text/css', 'Cache-Control': 'max-age=300' } }),
    )
    .get(`${root}login`, ({ request }) => show(logInPage(frameOf(request), undefined, '')))
    .post(`${root}login`, logIn, parse)
    .post(`${root}logout`, post(logOut), parse)
    .get(root, get(showList))
    .get(
      `${root}add`,
      get(async ({ frame }) => show(petPage(frame, defaultsOf(kind), new Map()))),
    )
    .post(`${root}add`, post(create), parse)
    .post(`${root}actions`, post(act), parse)
    .get(`${root}:id/`, get(showOne))
    .post(`${root}:id/`, post(change), parse)
    .get(`${root}:id/delete`, get(askToDelete))
}
