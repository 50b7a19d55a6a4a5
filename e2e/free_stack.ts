/** The whole stack on free ports, with its data in a folder of its own: for tests that may run beside another stack. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@bun-monitoring/prefork/testing'
import { Stack, type StackUrls } from '../scripts/stack.ts'
import { services } from '../services/names.ts'

export interface FreeStack extends AsyncDisposable {
  stack: Stack
  urls: StackUrls & { prometheus: string }
}

/** @param timesFaster divides every duration of Prometheus */
export async function startFreeStack(
  timesFaster: number,
  env: Record<string, string> = {},
): Promise<FreeStack> {
  const folder = mkdtempSync(join(tmpdir(), 'bun-monitoring-'))
  const ports = ['gateway', ...services].flatMap((name) => [
    [`${name.toUpperCase()}_PORT`, '0'],
    [`${name.toUpperCase()}_ADMIN_PORT`, '0'],
    [`${name.toUpperCase()}_DATABASE_PATH`, join(folder, `${name}.sqlite`)],
  ])
  const log: string[] = []
  const stack = new Stack({
    env: {
      ...Object.fromEntries(ports),
      ...env,
    },
    exporter: '127.0.0.1:0',
    prometheus: `127.0.0.1:${freePort()}`,
    prometheusOptions: { folder: join(folder, 'prometheus'), timesFaster },
    grafana: `127.0.0.1:${freePort()}`,
    print: (line) => log.push(line),
  })
  const dispose = async () => {
    await stack.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const { prometheus, ...urls } = await stack.start()
    if (prometheus === undefined) throw new Error('prometheus is not on PATH')
    return {
      stack,
      urls: { ...urls, prometheus },
      [Symbol.asyncDispose]: dispose,
    }
  } catch (error) {
    console.error(log.slice(-20).join('\n'))
    await dispose()
    throw error
  }
}
