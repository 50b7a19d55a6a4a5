/**
 * Prometheus for the local stack: the committed configuration with targets that say where the stack really listens,
 * in a folder that git ignores.
 */
import { cp, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type External, ROOT } from './external.ts'

const SOURCE = join(ROOT, 'monitoring/prometheus')
const RUN_FOLDER = join(ROOT, '.run/prometheus')

/** @param targets base URL of each job; the job's file in `targets/` is called like it. */
export async function prometheus(targets: Record<string, string>): Promise<External> {
  const config = join(RUN_FOLDER, 'config')
  await rm(config, { recursive: true, force: true })
  await cp(SOURCE, config, { recursive: true })
  for (const [job, url] of Object.entries(targets)) {
    await Bun.write(join(config, 'targets', `${job}.yml`), targetFile(url))
  }
  const data = join(RUN_FOLDER, 'data')
  await mkdir(data, { recursive: true })
  return {
    name: 'prometheus',
    command: [
      'prometheus',
      `--config.file=${join(config, 'prometheus.yml')}`,
      `--storage.tsdb.path=${data}`,
      `--web.listen-address=${new URL(targets.prometheus!).host}`,
      '--web.enable-remote-write-receiver',
      '--log.level=warn',
    ],
    url: targets.prometheus!,
    readyPath: '/-/ready',
  }
}

/** What a file of Prometheus' `file_sd` holds for one target. */
export const targetFile = (url: string): string => `- targets: ['${new URL(url).host}']\n`
