/**
 * The server that workers.bench.ts loads: a measured handler with a JSON response, either alone on Bun.serve, as without this
 * package, or as a cluster. It prints its URL on standard output.
 */
import { HttpServerMetrics, Registry } from '@bun-monitoring/metrics'
import { Type } from '@sinclair/typebox'
import { processSettings, readConfig, run, serveHttp } from '../index.ts'

const pet = { id: 1, name: 'Rex', breed: 'Affenpinscher', likes_to_bark: true, is_test: false }

function handler(metrics: HttpServerMetrics) {
  return (request: Request) => {
    const measured = metrics.begin(request.method)
    const response = Response.json(pet)
    metrics.end(measured, '/', response.status)
    return response
  }
}

if (Bun.argv[2] === 'alone') {
  const fetch = handler(new HttpServerMetrics(new Registry()))
  const port = Number(Bun.argv[3] ?? 0)
  const server = Bun.serve({ port, hostname: '127.0.0.1', reusePort: true, development: false, fetch })
  console.log(JSON.stringify({ msg: 'ready', url: `http://127.0.0.1:${server.port}` }))
} else {
  const settings = Type.Object(processSettings({ port: 0, adminPort: 0 }))
  process.exit(
    await run({
      name: 'bench',
      version: '1.0.0',
      prefix: 'BENCH',
      config: () => readConfig(settings, 'BENCH', { BENCH_WORKERS: Bun.argv[3] }),
      serve: (_, { registry, tally, addresses }) => {
        const fetch = handler(new HttpServerMetrics(registry, tally))
        return serveHttp(addresses, { idleTimeout: 75, fetch })
      },
    }),
  )
}
