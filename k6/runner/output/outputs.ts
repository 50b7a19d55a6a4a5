/** The outputs that `--out` names. */

import { writeJson } from './json_output.ts'
import type { Log } from '../shared/log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { Unsupported } from '../shared/unsupported.ts'

const DEFAULT_URL = 'http://localhost:9090/api/v1/write'
const DEFAULT_TREND_STATS = 'p(99)'

/** Opens each output, and closes them all when it is disposed of. @throws Unsupported when one is not known */
export async function openOutputs(
  names: readonly string[],
  metrics: Metrics,
  log: Log,
): Promise<AsyncDisposableStack> {
  const outputs = new AsyncDisposableStack()
  for (const name of names) {
    const [, path] = /^json=(.+)$/.exec(name) ?? []
    if (path !== undefined) outputs.use(writeJson(metrics, path))
    else if (name === 'prometheus' || name === 'experimental-prometheus-rw')
      outputs.use(await openRemoteWrite(metrics, log))
    else throw new Unsupported(`the output ${name}`)
  }
  return outputs
}

/** The packages that it needs are loaded only here: everything else also runs where none are installed. */
async function openRemoteWrite(metrics: Metrics, log: Log): Promise<AsyncDisposable> {
  const { RemoteWrite } = await import('./remote_write.ts').catch((error: Error) => {
    throw new Error(
      `--out prometheus needs the packages of this repository, run "bun install": ${error.message}`,
    )
  })
  const { K6_PROMETHEUS_RW_SERVER_URL: url, K6_PROMETHEUS_RW_TREND_STATS: stats } = Bun.env
  const trendStats = (stats ?? DEFAULT_TREND_STATS).split(',')
  return new RemoteWrite(metrics, { url: url ?? DEFAULT_URL, trendStats, log })
}
