/** Runs the promtool on PATH and, if PROMTOOL_OLD names one, an older one: both must accept our files. */

import { isExpected } from '@bun-monitoring/prefork/testing'

const onPath = Bun.which('promtool')

/** Names a missing promtool, too: if CI is set, the tests that need it must fail. */
export const promtools: readonly string[] = [onPath ?? 'promtool', Bun.env.PROMTOOL_OLD ?? []].flat()

/** Whether the tests that need promtool run. */
export const isPromtoolExpected = isExpected(
  onPath !== null,
  'promtool is not on PATH, so nothing checks the configuration and rules of Prometheus',
)

/** Runs promtool in the folder of this file. */
export async function promtool(
  program: string,
  ...command: string[]
): Promise<{ exitCode: number; output: string }> {
  const run = Bun.spawn([program, ...command], { cwd: import.meta.dir, stdout: 'pipe', stderr: 'pipe' })
  const output = await Promise.all([run.stdout, run.stderr].map((stream) => new Response(stream).text()))
  return { exitCode: await run.exited, output: output.join('') }
}
