import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TestProcess } from '@bun-monitoring/prefork/testing'

test('the service stores a pet with its own trait, under its own path', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dogs-'))
  try {
    await using service = new TestProcess([join(import.meta.dir, 'index.ts')], {
      DOGS_PORT: '0',
      DOGS_ADMIN_PORT: '0',
      DOGS_WORKERS: '0',
      DOGS_DATABASE_PATH: join(folder, 'dogs.sqlite'),
    })
    const { url } = await service.line('ready')
    const body = JSON.stringify({ name: 'Rex', breed: 'Mix', likes_to_bark: true })
    const created = await fetch(`${url}/dogs/`, { method: 'POST', body })
    expect(created.status).toBe(201)
    expect(await created.json()).toMatchObject({ name: 'Rex', likes_to_bark: true })
  } finally {
    rmSync(folder, { recursive: true })
  }
})
