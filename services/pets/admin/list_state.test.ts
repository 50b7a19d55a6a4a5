/** The state of the list of the admin page, from the address and back. */
import { expect, test } from 'bun:test'
import { testKind } from '../testing.ts'
import { linkOf, queryOf, readListState } from './list_state.ts'

const read = (query: string) => readListState(testKind, `/dogs/admin/${query}`)
const WHOLE = { search: '', isTest: '', sort: 'id', isDescending: false, page: 1 }

test.each([
  ['', {}],
  ['?q=rex', { search: 'rex' }],
  [`?q=${'🐕'.repeat(129)}`, { search: '🐕'.repeat(128) }],
  ['?q=a%00b', { search: 'ab' }],
  ['?is_test=true', { isTest: 'true' }],
  ['?is_test=false', { isTest: 'false' }],
  ['?is_test=maybe', {}],
  ['?sort=name', { sort: 'name' }],
  ['?sort=-likes_to_bark', { sort: 'likes_to_bark', isDescending: true }],
  ['?sort=-id', { isDescending: true }],
  ['?sort=nothing', {}],
  ['?page=2', { page: 2 }],
  ['?page=999999999', { page: 999_999_999 }],
  ...['0', '-1', '1.5', 'x', '1000000000', ''].map((page) => [`?page=${page}`, {}] as const),
])('%s', (query, changes) => {
  expect(read(query)).toEqual({ ...WHOLE, ...changes } as ReturnType<typeof read>)
})

test('a URL with a host is read as well', () => {
  expect(readListState(testKind, 'http://localhost:8001/dogs/admin/?q=rex&page=3')).toMatchObject({
    search: 'rex',
    page: 3,
  })
})

test.each([
  [{}, '?'],
  [{ search: 'a b' }, '?q=a+b'],
  [{ isTest: 'true' }, '?is_test=true'],
  [{ sort: 'name' }, '?sort=name'],
  [{ sort: 'name', isDescending: true }, '?sort=-name'],
  [{ isDescending: true }, '?sort=-id'],
  [{ page: 2 }, '?page=2'],
] as const)('the link of %j is %s, and leads back to it', (state, link) => {
  const whole = { ...WHOLE, ...state } as ReturnType<typeof read>
  expect(linkOf(whole, { page: whole.page })).toBe(link)
  expect(read(link)).toEqual(whole)
})

test('a change of the order leads to the first page, and keeps search and filter', () => {
  expect(linkOf(read('?q=rex&is_test=false&page=3'), { sort: 'breed' })).toBe(
    '?q=rex&is_test=false&sort=breed',
  )
})

test.each([
  ['', { filter: {}, sort: 'id', isDescending: false, offset: 0, limit: 50 }],
  ['?page=3', { filter: {}, sort: 'id', isDescending: false, offset: 100, limit: 50 }],
  [
    '?q=rex&is_test=true&sort=-name',
    { filter: { search: 'rex', isTest: true }, sort: 'name', isDescending: true, offset: 0, limit: 50 },
  ],
  ['?is_test=false', { filter: { isTest: false }, sort: 'id', isDescending: false, offset: 0, limit: 50 }],
] as const)('the query of %s', (query, expected) => {
  expect(queryOf(read(query))).toEqual(expected as ReturnType<typeof queryOf>)
})
