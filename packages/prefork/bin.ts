#!/usr/bin/env bun
/** The command `prefork app.ts`: runs the app of a module as a cluster. Its flags are in command/flags.ts. */
import { existsSync } from 'node:fs'
import { nameOf, versionOf } from './command/app_package.ts'
import { readCommandLine, PREFIX, readSettings, usage } from './command/flags.ts'
import { serveApp } from './command/serve_app.ts'
import { run } from './run.ts'
import { ConfigError } from './shared/config.ts'
import { EXIT } from './shared/exit_codes.ts'

process.exit(await main(process.argv.slice(2)))

async function main(args: readonly string[]): Promise<number> {
  let commandLine: ReturnType<typeof readCommandLine>
  try {
    commandLine = readCommandLine(args)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    console.error(
      ['prefork: the command line is wrong', ...error.problems.map((each) => `  ${each}`)].join('\n'),
    )
    return EXIT.badConfig
  }
  if (commandLine === 'help') {
    process.stdout.write(usage())
    return EXIT.ok
  }
  const { file, name = nameOf(file), settings } = commandLine
  if (!existsSync(file)) {
    console.error(`prefork: ${file} does not exist`)
    return EXIT.badConfig
  }
  return run({
    name,
    version: await versionOf(file),
    prefix: PREFIX,
    config: () => readSettings(settings, Bun.env),
    serve: (_, worker) => serveApp(file, worker),
  })
}
