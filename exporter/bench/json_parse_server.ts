/** For the benchmark: fetches a document once and parses its bytes at each request. */
const bytes = Buffer.from(await (await fetch(process.argv[2]!)).arrayBuffer())
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: () => Response.json(Object.keys(JSON.parse(bytes.toString()) as object).length),
})
console.log(JSON.stringify({ msg: 'ready', url: server.url.origin }))
