/** Runs a server as a cluster: master and workers, configuration, admin server. See README.md. */
export type { Address, Served, Worker } from './shared/app.ts'
export { AddressList } from './shared/address_list.ts'
export { authorityOf, freePort, portTaken, StartError } from './shared/bind.ts'
export type { Cluster } from './shared/cluster.ts'
export {
  ConfigError,
  type Environment,
  type ProcessConfig,
  processSettings,
  readConfig,
  settingsTable,
  variableName,
} from './shared/config.ts'
export { EXIT } from './shared/exit_codes.ts'
export { createLogger, type Logger } from './shared/logger.ts'
export { PROBLEM_JSON, problem, problemBody, statusTitle } from './shared/problem.ts'
export { RequestCounters as RequestTally } from './shared/request_counters.ts'
export { type StopSignals, stopSignals } from './shared/stop_signals.ts'
export { exitOnUncaughtErrors } from './shared/uncaught_errors.ts'
export { run } from './run.ts'
export { serveHttp } from './worker/serve_http.ts'
