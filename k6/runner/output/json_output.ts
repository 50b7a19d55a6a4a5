/** `--out json=<file>`: each sample as a line, in the form of k6's points. */

import type { Metrics } from '../metrics/metrics.ts'

const FLUSH_EVERY_MS = 200

export function writeJson(metrics: Metrics, path: string): AsyncDisposable {
  const file = Bun.file(path).writer()
  metrics.listen(({ metric, value, tagSet: { tags } }) => {
    const data = { time: new Date().toISOString(), value, tags }
    file.write(`${JSON.stringify({ metric, type: 'Point', data })}\n`)
  })
  const timer = setInterval(() => void file.flush(), FLUSH_EVERY_MS)
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await file.end()
    },
  }
}
