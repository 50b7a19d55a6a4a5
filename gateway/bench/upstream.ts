/** The upstream of the benchmarks: one server on a port and on a unix socket. */

const [unix = ''] = process.argv.slice(2)
const SMALL = '{"id":1,"name":"Rex","breed":"Affenpinscher","likes_to_bark":true,"is_test":false}'
const LIST = `[${Array.from({ length: 180 }, () => SMALL).join(',')}]`
const LARGE = Buffer.alloc(1_000_000, 'x')

const json = { 'Content-Type': 'application/json' }
const routes = {
  '/dogs/': { GET: () => new Response(LIST, { headers: json }), POST: created },
  '/dogs/1/': () => new Response(SMALL, { headers: json }),
  '/dogs/large': () => new Response(LARGE),
}

async function created(request: Request): Promise<Response> {
  await request.text()
  return new Response(SMALL, { status: 201, headers: json })
}

const server = Bun.serve({ hostname: '127.0.0.1', port: 0, idleTimeout: 120, routes })
Bun.serve({ unix, routes })
console.log(server.port)
