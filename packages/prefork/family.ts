/** What an entry tells of its process family; `run` does the rest. */
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
  /** Serves traffic on `worker.addresses`; runs in each worker. An error here is one that it cannot boot with. */
  serve: (config: Config, worker: Worker) => Served | Promise<Served>
}
