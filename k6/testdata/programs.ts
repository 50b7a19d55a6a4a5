/** For tests of the load test: the programs that run its script, and their exit codes. */

/** Exit codes of k6. */
export const thresholdsCrossed = 99
export const scriptFailed = 107
export const abortedByScript = 108

const folder = `${import.meta.dir}/..`

const programs: Record<string, (flags: readonly string[]) => string[]> = {
  Bun: (flags) => [process.execPath, `${folder}/runner/index.ts`, ...flags],
  k6: (flags) => ['k6', 'run', ...flags, `${folder}/load_test.ts`],
}

export const names = Object.keys(programs)

/** Whether k6 is there; if it is not, its tests are skipped with this message. */
export const hasK6 = Bun.which('k6') !== null
if (!hasK6) console.warn('SKIPPED: k6 is not on PATH, so the load test runs only on Bun')

/** The script by this program against a server, and what it prints. */
export async function run(
  program: string,
  url: string,
  ...flags: string[]
): Promise<{ exitCode: number; output: string }> {
  const command = programs[program]!(['-e', 'SUMMARY=/dev/null', ...flags, '-e', `BASE_URL=${url}`])
  const process = Bun.spawn(command, {
    env: { ...Bun.env, K6_NO_USAGE_REPORT: 'true', K6_AUTO_EXTENSION_RESOLUTION: 'false', NO_COLOR: 'true' },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const streams = [process.stdout, process.stderr].map((stream) => new Response(stream).text())
  return { output: (await Promise.all(streams)).join(''), exitCode: await process.exited }
}

export function serve(
  answer: (request: Request) => Response | Promise<Response>,
): Disposable & { url: string } {
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: answer })
  return { url: `http://127.0.0.1:${server.port}`, [Symbol.dispose]: () => void server.stop(true) }
}
