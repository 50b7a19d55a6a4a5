/** The server that request.bench.ts loads: its argument names the app. It prints its port. */
import { appOf } from './request_apps.ts'

const { fetch } = appOf(Bun.argv[2]!)
const server = Bun.serve({ port: 0, hostname: '127.0.0.1', development: false, fetch })
console.log(server.port)
