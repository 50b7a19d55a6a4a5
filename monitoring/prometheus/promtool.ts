/** Runs every promtool there is: the one on PATH, and an older one that PROMTOOL_OLD names, where both must accept our files. */

import { isExpected } from '@bun-monitoring/prefork/testing'

const onPath = Bun.which('promtool')

/** Where CI is set a missing promtool must fail the tests that ask it. */
export const promtools: readonly string[] = [onPath ?? 'promtool', Bun.env.PROMTOOL_OLD ?? []].flat()

/** Whether tests that need promtool are to run. */
export const isPromtoolExpected = isExpected(
  onPath !== null,
  'promtool is not on PATH, so nothing checks the configuration and rules of Prometheus',
)

/** What it printed, and how it ended, in the folder of this file. */
export async function promtool(
  program: string,
  ...command: string[]
): Promise<{ exitCode: number; output: string }> {
  const run = Bun.spawn([program, ...command], { cwd: import.meta.dir, stdout: 'pipe', stderr: 'pipe' })
  const output = await Promise.all([run.stdout, run.stderr].map((stream) => new Response(stream).text()))
  return { exitCode: await run.exited, output: output.join('') }
}
