/** What process families are made of: see run.ts for a family's life, config.ts for its settings. */
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
export { createLogger, type Logger } from './logger.ts'
export { PROBLEM_JSON, problem, problemBody } from './problem.ts'
export { type Family, run } from './run.ts'
export { type StopSignals, stopSignals } from './signals.ts'
export { RequestTally } from './tally.ts'
export type { Served, Worker } from './worker.ts'
