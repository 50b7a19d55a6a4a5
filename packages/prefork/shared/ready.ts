/** The log line that says that a cluster serves, and where. */
import { authorityOf } from './bind.ts'
import type { ProcessConfig } from './config.ts'
import type { Logger } from './logger.ts'

/** Logged at any level, because programs that start a cluster wait for it. The ports are those that were bound. */
export function logReady(log: Logger, config: ProcessConfig, port: number, adminPort: number): void {
  const { host, adminHost, workers, logLevel } = config
  const url = `http://${authorityOf(host, port)}`
  log[logLevel]({ url, admin: `http://${authorityOf(adminHost, adminPort)}`, workers }, 'ready')
}
