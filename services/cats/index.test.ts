import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TestProcess } from '@bun-monitoring/prefork/testing'

test('the service stores a pet with its own trait, under its own path', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cats-'))
  try {
    await using service = new TestProcess([join(import.meta.dir, 'index.ts')], {
      CATS_PORT: '0',
      CATS_ADMIN_PORT: '0',
      CATS_WORKERS: '0',
      CATS_DATABASE_PATH: join(folder, 'cats.sqlite'),
    })
    const { url } = await service.line('ready')
    const body = JSON.stringify({ name: 'Rex', breed: 'Mix', likes_to_drop_things: true })
    const created = await fetch(`${url}/cats/`, { method: 'POST', body })
    expect(created.status).toBe(201)
    expect(await created.json()).toMatchObject({ name: 'Rex', likes_to_drop_things: true })
  } finally {
    rmSync(folder, { recursive: true })
  }
})
