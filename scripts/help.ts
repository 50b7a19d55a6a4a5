/** The help of scripts that take no flags. */
import { EXIT } from '@bun-monitoring/prefork'

/** @returns the exit code if the arguments have `--help` or another flag, after the help; undefined if the script may go on */
export function helpAsked(args: readonly string[], help: string): number | undefined {
  const flag = args.find((arg) => arg.startsWith('-'))
  if (flag === undefined) return undefined
  if (flag !== '--help') console.error(`unknown flag ${flag}\n`)
  console.log(help)
  return flag === '--help' ? EXIT.ok : EXIT.badConfig
}
