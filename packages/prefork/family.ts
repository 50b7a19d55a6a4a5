/** What an entry tells of its process family; `run` does the rest. */
import type { MetricFamily } from '@bun-monitoring/metrics'
import type { ProcessConfig } from './config.ts'
import type { Served, Worker } from './worker.ts'

export interface Family<Config extends ProcessConfig = ProcessConfig> {
  name: string
  version: string
  /** Prefix of the family's environment variables: messages name them. */
  prefix: string
  /** Runs in the master and in each worker. Throws a ConfigError when the environment is bad. */
  config: () => Config
  /** Migrations: runs in the first worker of a start or a reload, before any of them serves the new code. */
  prepare?: (config: Config) => void | Promise<void>
  /** JSON documents that the admin server has besides its own, by path, made of what the whole family measured. */
  documents?: Readonly<Record<string, (families: readonly MetricFamily[]) => unknown>>
  /** Serves traffic on `worker.addresses`; runs in each worker. An error here is one that it cannot boot with. */
  serve: (config: Config, worker: Worker) => Served | Promise<Served>
}
