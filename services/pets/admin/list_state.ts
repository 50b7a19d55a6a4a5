/** The state of the list of the admin page: search, filter, order and page, read from the address and written to links. */
import { MAX_CHARACTERS } from '../model/field_types.ts'
import { columnsOf, type Kind } from '../model/kind.ts'
import type { BrowseQuery } from '../store/store.ts'

export const ROWS_PER_PAGE = 50

export interface ListState {
  search: string
  isTest: '' | 'true' | 'false'
  sort: string
  isDescending: boolean
  /** From 1. */
  page: number
}

/** Values that make no sense are those of the whole list. */
export function readListState(kind: Kind, url: string): ListState {
  // Without a valid `Host` the URL of a request is a bare path.
  const { searchParams: parameters } = new URL(url, 'http://localhost')
  const order = parameters.get('sort') ?? ''
  const sort = order.replace(/^-/, '')
  const isTest = parameters.get('is_test') ?? ''
  const page = parameters.get('page') ?? '1'
  return {
    search: [...(parameters.get('q') ?? '').toWellFormed().replaceAll('\0', '')]
      .slice(0, MAX_CHARACTERS)
      .join(''),
    isTest: isTest === 'true' || isTest === 'false' ? isTest : '',
    sort: columnsOf(kind).includes(sort) ? sort : 'id',
    isDescending: order.startsWith('-'),
    page: /^[1-9]\d{0,8}$/.test(page) ? Number(page) : 1,
  }
}

export const queryOf = ({ search, isTest, sort, isDescending, page }: ListState): BrowseQuery => ({
  filter: {
    ...(search === '' ? {} : { search }),
    ...(isTest === '' ? {} : { isTest: isTest === 'true' }),
  },
  sort,
  isDescending,
  offset: (page - 1) * ROWS_PER_PAGE,
  limit: ROWS_PER_PAGE,
})

/** The query of a link to the list with some changes; a change of the rows or their order leads to the first page. */
export function linkOf(state: ListState, changes: Partial<ListState>): string {
  const { search, isTest, sort, isDescending, page } = { ...state, page: 1, ...changes }
  const parameters = new URLSearchParams()
  if (search !== '') parameters.set('q', search)
  if (isTest !== '') parameters.set('is_test', isTest)
  if (sort !== 'id' || isDescending) parameters.set('sort', `${isDescending ? '-' : ''}${sort}`)
  if (page !== 1) parameters.set('page', String(page))
  return `?${parameters.toString()}`
}
