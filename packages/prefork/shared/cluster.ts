/** What an entry file declares about its cluster. `run` does the rest. */
import type { Served, Worker } from './app.ts'
import type { ProcessConfig } from './config.ts'

export interface Cluster<Config extends ProcessConfig = ProcessConfig> {
  name: string
  version: string
  /** Prefix of the cluster's environment variables. Messages name the variables. */
  prefix: string
  /** Runs in the master and in each worker. Throws a ConfigError when the environment is bad. */
  config: () => Config
  /** Migrations. Runs in the first worker of a start or a reload, before any worker serves the new code. */
  prepare?: (config: Config) => void | Promise<void>
  /**
   * Why the whole cluster is not ready although its workers serve, such as a file that is gone; runs in the process of the admin
   * server, at each request of `/readyz`.
   */
  notReady?: (config: Config) => string | undefined
  /** Serves traffic on `worker.addresses`. Runs in each worker. An error thrown here means that the worker cannot boot. */
  serve: (config: Config, worker: Worker) => Served | Promise<Served>
}
