/**
 * The same requests as to the original, with the status that the original's code gives each (Django 4.0, see the views of
 * github.com/saaste/django-monitoring). The README lists every difference, and no other.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { openPets, temporaryDatabase } from '../testing.ts'

const rex = { name: 'Rex', breed: 'Pug' }
const form = { 'Content-Type': 'application/x-www-form-urlencoded' }

interface Case {
  request: string
  method: string
  target: string
  body?: string
  headers?: Record<string, string>
  original: number
  here: number
  /** Words of the README's list, if the two differ. */
  difference?: string
}

const send = (
  request: string,
  method: string,
  target: string,
  body: unknown,
  original: number,
  here = original,
  difference?: string,
  headers?: Record<string, string>,
): Case => ({
  request,
  method,
  target,
  original,
  here,
  ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  ...(difference === undefined ? {} : { difference }),
  ...(headers === undefined ? {} : { headers }),
})

const STATUS = 'Bad input is 4xx'
const TEXTS = 'Names and breeds are strings of 1 to 128 characters'
const METHODS = 'An unsupported method is 405'

const cases: Case[] = [
  send('the list', 'GET', '/dogs/', undefined, 200),
  send('the list with an unknown parameter', 'GET', '/dogs/?_=1', undefined, 200),
  send('the list by HEAD', 'HEAD', '/dogs/', undefined, 200),
  send('a row', 'GET', '/dogs/1/', undefined, 200),
  send('a row that does not exist', 'GET', '/dogs/4711/', undefined, 404),
  send('a path that is no id', 'GET', '/dogs/abc/', undefined, 404),
  send('a new row', 'POST', '/dogs/', rex, 201),
  send('a new row by curl -d', 'POST', '/dogs/', rex, 201, 201, undefined, form),
  send('a new row with 1 as flag', 'POST', '/dogs/', { ...rex, likes_to_bark: 1 }, 201),
  send('a new row with "True" as flag', 'POST', '/dogs/', { ...rex, likes_to_bark: 'True' }, 201),
  send('a new row with "f" as flag', 'POST', '/dogs/', { ...rex, is_test: 'f' }, 201),
  send('a new row with unknown properties', 'POST', '/dogs/', { ...rex, colour: 'red' }, 201),
  send('a new row with an empty name', 'POST', '/dogs/', { ...rex, name: '' }, 201, 422, TEXTS),
  send('a new row with a long name', 'POST', '/dogs/', { ...rex, name: 'x'.repeat(129) }, 201, 422, TEXTS),
  send('a new row with a number as name', 'POST', '/dogs/', { ...rex, name: 7 }, 201, 422, TEXTS),
  send('a new row without a breed', 'POST', '/dogs/', { name: 'Rex' }, 500, 422, STATUS),
  send('a new row with "yes" as flag', 'POST', '/dogs/', { ...rex, likes_to_bark: 'yes' }, 500, 422, STATUS),
  send('a new row with null as flag', 'POST', '/dogs/', { ...rex, likes_to_bark: null }, 500, 422, STATUS),
  send('broken JSON', 'POST', '/dogs/', '{"name":', 500, 400, STATUS),
  send('a real form', 'POST', '/dogs/', 'name=Rex&breed=Pug', 500, 415, STATUS, form),
  send('a list as body', 'POST', '/dogs/', [], 500, 422, STATUS),
  send('a change', 'PUT', '/dogs/1/', { ...rex, likes_to_bark: '1' }, 200),
  send('a change without a name', 'PUT', '/dogs/1/', { breed: 'Pug' }, 500, 422, STATUS),
  send('a change of a row that does not exist', 'PUT', '/dogs/4711/', rex, 404),
  send('a list by PUT', 'PUT', '/dogs/', rex, 500, 405, METHODS),
  send('a row by POST', 'POST', '/dogs/1/', rex, 500, 405, METHODS),
  send('a row by PATCH', 'PATCH', '/dogs/1/', {}, 500, 200, 'PATCH is new'),
  send('a list by DELETE', 'DELETE', '/dogs/', undefined, 500, 422, METHODS),
  send('the path to clean by HEAD', 'HEAD', '/dogs/clean/', undefined, 200),
  send('the path to clean by POST', 'POST', '/dogs/clean/', undefined, 403, 405, METHODS),
  send('the path to clean', 'GET', '/dogs/clean/', undefined, 200),
  send('a deletion', 'DELETE', '/dogs/1/', undefined, 200),
  send('a second deletion', 'DELETE', '/dogs/1/', undefined, 404),
  send('the list without its slash', 'GET', '/dogs', undefined, 301, 200, 'The trailing slash is optional'),
  send('the metrics', 'GET', '/metrics', undefined, 200, 404, '`/metrics` is on the admin ports'),
]

const readme = await Bun.file(join(import.meta.dir, '../../README.md')).text()
const section = readme.split('### Differences from the original')[1]!.split('\n#')[0]!

const pets = await openPets(temporaryDatabase())
afterAll(() => pets[Symbol.asyncDispose]())
beforeAll(() => pets.send('POST', '/dogs/', rex))

test.each(cases)('$request: $here, in the original $original', async (each) => {
  const { method, target, body, headers = {}, here, original, difference } = each
  const response = await pets.ask(target, { method, headers, ...(body === undefined ? {} : { body }) })
  expect(response.status).toBe(here)
  if (here === original) expect(difference).toBeUndefined()
  else expect(section).toContain(difference!)
})

test('the README lists no difference without a case, except those that no status shows', () => {
  const listed = section.split('\n').filter((line) => line.startsWith('- '))
  const differences = new Set(cases.flatMap(({ difference }) => difference ?? []))
  const others = [
    'Lists come in pages',
    'HEAD of `/dogs/clean/` deletes nothing',
    'Flags are shown as booleans',
    'Pages of other origins',
  ]
  for (const line of listed) {
    expect([...differences, ...others].filter((words) => line.includes(words))).toHaveLength(1)
  }
  expect(listed).toHaveLength(differences.size + others.length)
})
