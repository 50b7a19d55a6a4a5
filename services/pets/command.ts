/** Runs a command beside the service: prints the reason of a failure, and returns the exit code. */
import { ConfigError, EXIT } from '@bun-monitoring/prefork'
import type { Kind } from './model/kind.ts'

/**
 * @param failure the first line of the message, such as "no backup was written"
 * @returns the exit code
 */
export async function runCommand(
  { name }: Kind,
  failure: string,
  act: () => Promise<void> | void,
): Promise<number> {
  try {
    await act()
    return EXIT.ok
  } catch (error) {
    // parseArgs throws TypeError.
    const isMisused = error instanceof ConfigError || error instanceof TypeError
    const lines = error instanceof ConfigError ? error.problems : [(error as Error).message]
    console.error([`${name}: ${failure}`, ...lines].join('\n  '))
    return isMisused ? EXIT.badConfig : EXIT.couldNotStart
  }
}
