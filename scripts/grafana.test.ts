import { expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from './external.ts'
import { grafana, grafanaSettings } from './grafana.ts'

const compose = Bun.YAML.parse(await Bun.file(join(ROOT, 'compose.yml')).text()) as {
  services: { grafana: { environment: Record<string, string> } }
}

test('the local Grafana and the one of compose have the same settings', () => {
  expect(compose.services.grafana.environment).toMatchObject(grafanaSettings)
})

test('an installed Grafana is started with our provisioning and the pages beside it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'grafana-'))
  try {
    mkdirSync(join(folder, 'bin'))
    mkdirSync(join(folder, 'public'))
    const program = join(folder, 'bin/grafana')
    writeFileSync(program, '#!/bin/sh\n')
    const started = grafana(program, '127.0.0.1:3001', 'http://127.0.0.1:9091', join(folder, 'data'))
    expect(started?.command).toEqual([program, 'server', `--homepath=${folder}`])
    expect(started).toMatchObject({ url: 'http://127.0.0.1:3001', readyPath: '/api/health' })
    expect(started?.env).toMatchObject({
      GF_SERVER_HTTP_PORT: '3001',
      GF_PATHS_DATA: join(folder, 'data'),
      PROMETHEUS_URL: 'http://127.0.0.1:9091',
      GF_PATHS_PROVISIONING: join(ROOT, 'monitoring/grafana/provisioning'),
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
})
