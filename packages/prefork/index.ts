/** A server as a process family: master and workers, configuration, admin server. See README.md. */
export { authorityOf } from './bind.ts'
export {
  ConfigError,
  type Environment,
  type ProcessConfig,
  processSettings,
  readConfig,
  settingsTable,
  variableName,
} from './config.ts'
export { EXIT } from './exit.ts'
export type { Family } from './family.ts'
export { serveHttp } from './http.ts'
export { createLogger, type Logger } from './logger.ts'
export { PROBLEM_JSON, problem, problemBody } from './problem.ts'
export { run } from './run.ts'
export { type StopSignals, stopSignals } from './signals.ts'
export { RequestTally } from './tally.ts'
export type { Address, Served, Worker } from './worker.ts'
