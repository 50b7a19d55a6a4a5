/**
 * For the benchmarks: serves stats documents as uWSGI does with `stats-http`. `/large` has 150 workers of 256 cores each, a
 * case from an issue of uwsgi_exporter; `/small` has two workers. `/stats` is the small one, with a page of metrics of a
 * gateway beside it. Logs its URL and the size of the large document.
 */
import { largeDocument } from './large_document.ts'

const large = largeDocument(150, 256)
const small = await Bun.file(`${import.meta.dir}/../testdata/stats.json`).bytes()

const metrics = await Bun.file(`${import.meta.dir}/../testdata/gateway-metrics.txt`).bytes()

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  routes: {
    '/large': () => new Response(large, { headers: { 'Content-Type': 'application/json' } }),
    '/stats': () => new Response(small),
    '/metrics': () => new Response(metrics),
    '/small/*': () => new Response(small, { headers: { 'Content-Type': 'application/json' } }),
  },
})
console.log(JSON.stringify({ msg: 'ready', url: server.url.origin, bytes: large.length }))
