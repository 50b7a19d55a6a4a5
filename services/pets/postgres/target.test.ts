/** The URLs of PostgreSQL that a service takes, and the password beside them. */
import { expect, test } from 'bun:test'
import { temporaryFolder } from '../testing.ts'
import { isPostgresUrl, readPassword, serversOf, whereIs } from './target.ts'

test.each([
  ['postgres://dogs:secret@a/pets', true],
  ['postgresql://a:5433/pets', true],
  ['postgres://dogs:secret@a:5432,b:5433/pets', true],
  ['postgres://a,b/pets?target_session_attrs=read-write', true],
  ['postgres://a,b/pets?sslmode=require&target_session_attrs=primary', true],
  ['postgres://a,b/pets?target_session_attrs=any', false],
  ['postgres://a,/pets', false],
  ['postgres:///pets', false],
  ['mysql://a/pets', false],
  ['a', false],
])('%s is taken: %p', (url, expected) => {
  expect(isPostgresUrl(url)).toBe(expected)
})

test('the servers of a URL have all but the host in common', () => {
  expect(
    serversOf('postgres://dogs:s@cret@a,b:5433/pets?target_session_attrs=primary&sslmode=require'),
  ).toEqual([
    'postgres://dogs:s@cret@a/pets?sslmode=require',
    'postgres://dogs:s@cret@b:5433/pets?sslmode=require',
  ])
  expect(serversOf('postgres://a/pets?target_session_attrs=primary')).toEqual(['postgres://a/pets'])
})

test('messages have the servers and the database, and no password', () => {
  expect(whereIs('postgres://dogs:secret@a,b:5433/pets?sslmode=require')).toBe('a:5432,b:5433/pets')
})

test.each(['secret', 'secret\n', 'secret\r\n'])(
  'the password of the file %j has no line end',
  async (text) => {
    using folder = temporaryFolder()
    const path = `${folder.path}/password`
    await Bun.write(path, text)
    expect(readPassword(path)).toBe('secret')
  },
)
