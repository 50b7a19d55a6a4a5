/** The commands that write the SQLite file of a service to a backup, and a backup to the file. The service may run meanwhile. */
import { parseArgs } from 'node:util'
import { ConfigError, type Environment } from '@bun-monitoring/prefork'
import { runCommand } from './command.ts'
import { serviceConfig } from './config.ts'
import { type Kind, prefixOf } from './model/kind.ts'
import { backUp, restore } from './sqlite/backup.ts'

/** @returns the exit code. */
export const runBackup = (kind: Kind, env: Environment, args: string[]): Promise<number> =>
  runCommand(kind, 'no backup was written', () => {
    const { path, file } = readArguments(kind, env, args)
    const rows = backUp(kind, path, file)
    console.log(`wrote ${rows} ${kind.name} from ${path} to ${file}`)
  })

/** @returns the exit code. */
export const runRestore = (kind: Kind, env: Environment, args: string[]): Promise<number> =>
  runCommand(kind, 'nothing was restored', () => {
    const { path, file } = readArguments(kind, env, args)
    const { rows, replaced } = restore(kind, path, `${prefixOf(kind)}_DATABASE_PATH`, file)
    console.log(`restored ${rows} ${kind.name} from ${file} to ${path}, in place of ${replaced}`)
  })

/** @throws ConfigError or TypeError */
function readArguments(kind: Kind, env: Environment, args: string[]): { path: string; file: string } {
  const { databasePath: path, databaseUrl } = serviceConfig(kind, env)
  const prefix = prefixOf(kind)
  if (databaseUrl !== undefined) {
    throw new ConfigError([`${prefix}_DATABASE_URL is set: back up PostgreSQL with pg_dump`])
  }
  const [file, ...others] = parseArgs({ args, allowPositionals: true }).positionals
  if (file === undefined || others.length > 0) throw new ConfigError(['name one file: bun run backup FILE'])
  return { path, file }
}
