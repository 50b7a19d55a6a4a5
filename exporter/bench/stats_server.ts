/**
 * Answers like uWSGI with `stats-http`, for the benchmarks: `/large` with 150 workers of 256 cores each, the case that
 * users of uwsgi_exporter complain about, `/small` with a family of two workers. Says where it listens and how many bytes
 * the large document has.
 */
import { largeDocument } from './large_document.ts'

const large = largeDocument(150, 256)
const small = await Bun.file(`${import.meta.dir}/../testdata/stats.json`).bytes()

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  routes: {
    '/large': () => new Response(large, { headers: { 'Content-Type': 'application/json' } }),
    '/small/*': () => new Response(small, { headers: { 'Content-Type': 'application/json' } }),
  },
})
console.log(JSON.stringify({ msg: 'ready', url: server.url.origin, bytes: large.length }))
