/** Test helper. What the tests of every service claim of it, from the declaration of its kind alone. */
import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { TestProcess } from '@bun-monitoring/prefork/testing'
import { defaultOf, type Field, type Value } from './model/field.ts'
import { type Kind, pathOf, prefixOf } from './model/kind.ts'

/** A value that the field takes. It is not the default of a flag. */
function exampleOf(field: Field): Value {
  if (field.type === 'boolean') return !defaultOf(field)
  if (field.type === 'date') return '2024-02-29'
  if (field.type === 'enum') return field.values.at(-1)!
  if (field.type === 'text') return 'x'.repeat(Math.max(1, field.minLength ?? 1))
  return field.maximum ?? field.minimum ?? 1
}

/** @param folder of the service */
export function testService(folder: string, kind: Kind): void {
  test('the service has the name of its folder, and stores each of its fields under its path', async () => {
    expect(kind.name).toBe(basename(folder))
    const data = mkdtempSync(join(tmpdir(), `${kind.name}-`))
    try {
      const prefix = prefixOf(kind)
      await using service = new TestProcess([join(folder, 'index.ts')], {
        [`${prefix}_PORT`]: '0',
        [`${prefix}_ADMIN_PORT`]: '0',
        [`${prefix}_WORKERS`]: '0',
        [`${prefix}_DATABASE_PATH`]: join(data, 'pets.sqlite'),
      })
      const { url } = await service.line('ready')
      const pet = Object.fromEntries(
        Object.entries(kind.fields).map(([name, field]) => [name, exampleOf(field)]),
      )
      const created = await fetch(url + pathOf(kind), { method: 'POST', body: JSON.stringify(pet) })
      expect([created.status, await created.json()]).toEqual([201, { id: 1, ...pet, is_test: false }])
    } finally {
      rmSync(data, { recursive: true })
    }
  })
}
