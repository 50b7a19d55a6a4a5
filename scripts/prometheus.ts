/**
 * Prometheus for the local stack: the committed configuration with the real addresses of the stack as targets, in a folder that git
 * ignores.
 */
import { faster } from '../monitoring/prometheus/faster.ts'
import { cp, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type External, ROOT } from './external.ts'

const SOURCE = join(ROOT, 'monitoring/prometheus')

export interface PrometheusOptions {
  /** The folder of configuration and data, which may still have the data of the last run. */
  folder: string
  /** Divides every duration of configuration and rules, so that alerts fire within seconds (default 1). */
  timesFaster?: number
}

/** @param targets base URL of each job; the file of a job in `targets/` has its name */
export async function prometheus(
  targets: Record<string, string>,
  { folder, timesFaster = 1 }: PrometheusOptions,
): Promise<External> {
  const config = join(folder, 'config')
  await rm(config, { recursive: true, force: true })
  await cp(SOURCE, config, { recursive: true })
  for (const [job, url] of Object.entries(targets)) {
    await Bun.write(join(config, 'targets', `${job}.yml`), targetFile(url))
  }
  if (timesFaster !== 1) {
    for (const file of ['prometheus.yml', ...new Bun.Glob('rules/*.yml').scanSync(config)]) {
      const path = join(config, file)
      await Bun.write(path, faster(await Bun.file(path).text(), timesFaster))
    }
  }
  const data = join(folder, 'data')
  await mkdir(data, { recursive: true })
  return {
    name: 'prometheus',
    command: [
      'prometheus',
      `--config.file=${join(config, 'prometheus.yml')}`,
      `--storage.tsdb.path=${data}`,
      `--web.listen-address=${new URL(targets.prometheus!).host}`,
      '--storage.tsdb.retention.time=35d',
      '--storage.tsdb.retention.size=5GB',
      '--web.enable-remote-write-receiver',
      '--enable-feature=created-timestamp-zero-ingestion',
      `--web.external-url=${targets.prometheus!}`,
      '--log.level=warn',
    ],
    url: targets.prometheus!,
    readyPath: '/-/ready',
  }
}

/** The content of a file for Prometheus' `file_sd` with one target. */
export const targetFile = (url: string): string => `- targets: ['${new URL(url).host}']\n`
