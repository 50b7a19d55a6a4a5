/** The whole stack on free ports, with its data in a folder of its own: for tests that may run beside another stack. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
  const databases = services.map((name) => [
    `${name.toUpperCase()}_DATABASE_PATH`,
    join(folder, `${name}.sqlite`),
  ])
  const log: string[] = []
  const stack = new Stack({
    env: {
      ...Object.fromEntries(databases),
      ...env,
    },
    hasFreePorts: true,
    prometheusOptions: { folder: join(folder, 'prometheus'), timesFaster },
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
