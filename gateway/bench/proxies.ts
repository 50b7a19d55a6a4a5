/**
 * Starts the compared proxies, each with one worker, in front of the same upstream. Their configurations add the same
 * fields and keep connections.
 */
import { childrenOf } from '@bun-monitoring/prefork/procfs'
import { freePort } from '@bun-monitoring/prefork/testing'
import type { Subprocess } from 'bun'
import { join } from 'node:path'

export interface Proxy {
  name: string
  url: string
  /** Of the worker: the process that carries the traffic. */
  pid: number
}

/** The addresses of the upstream. */
export interface Upstream {
  port: number
  unix: string
}

/** Longest time until a proxy responds. */
const START_MS = 10_000

/** Paths of a certificate and its key. */
export interface KeyPair {
  name: string
  cert: string
  key: string
}

const urlOf = (port: number, tls: KeyPair | undefined): string =>
  `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`

/** Starts processes and ends them when it is disposed of. */
export class Proxies implements AsyncDisposable {
  readonly #processes: Subprocess[] = []

  constructor(
    readonly folder: string,
    readonly upstream: Upstream,
  ) {}

  /** @param tls clients use TLS with this certificate */
  async nginx(kind: 'TCP' | 'unix', accessLog: boolean, tls?: KeyPair): Promise<Proxy> {
    const port = freePort()
    const folder = join(this.folder, `nginx-${port}`)
    const { upstream } = this
    const server = kind === 'TCP' ? `127.0.0.1:${upstream.port}` : `unix:${upstream.unix}`
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((name) => `${name}_temp_path ${folder};`)
      .join(' ')
    const config = `
      user root; worker_processes 1; daemon off; pid ${folder}.pid; error_log /dev/null;
      events { worker_connections 20000; }
      http {
        ${paths}
        access_log ${accessLog ? `${folder}.log combined buffer=64k flush=1s` : 'off'};
        keepalive_requests 1000000000; keepalive_timeout 75s; client_max_body_size 75m;
        upstream dogs { server ${server}; keepalive 512; keepalive_requests 1000000000; }
        server {
          listen 127.0.0.1:${port} ${tls === undefined ? '' : 'ssl'};
          ${tls === undefined ? '' : `ssl_certificate ${tls.cert}; ssl_certificate_key ${tls.key}; ssl_protocols TLSv1.2 TLSv1.3;`}
          location / {
            proxy_pass http://dogs; proxy_http_version 1.1;
            proxy_set_header Connection ""; proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Host $host; proxy_set_header X-Request-Id $request_id;
          }
        }
      }`
    const file = `${folder}.conf`
    await Bun.write(file, config)
    await Bun.$`mkdir -p ${folder}`
    const master = await this.#start(['nginx', '-e', '/dev/null', '-c', file], port, {}, tls)
    const [pid] = childrenOf(master.pid)
    const name = `nginx, ${kind}${accessLog ? ', log' : ''}`
    return { name, url: urlOf(port, tls), pid: pid! }
  }

  async haproxy(kind: 'TCP' | 'unix'): Promise<Proxy> {
    const port = freePort()
    const { upstream } = this
    const server = kind === 'TCP' ? `127.0.0.1:${upstream.port}` : `unix@${upstream.unix}`
    const file = join(this.folder, `haproxy-${port}.cfg`)
    await Bun.write(
      file,
      `global
  nbthread 1
  maxconn 10100
  no strict-limits
defaults
  mode http
  timeout connect 1s
  timeout client 75s
  timeout server 35s
  timeout http-keep-alive 75s
  option forwardfor
  http-reuse always
frontend traffic
  bind 127.0.0.1:${port}
  http-request set-header X-Request-Id %[uuid]
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(Host)]
  default_backend dogs
backend dogs
  server dogs ${server} pool-max-conn 512
`,
    )
    const { pid } = await this.#start(['haproxy', '-q', '-f', file], port)
    return { name: `HAProxy, ${kind}`, url: `http://127.0.0.1:${port}`, pid }
  }

  async gateway(kind: 'TCP' | 'unix', accessLog: boolean, tls?: KeyPair): Promise<Proxy> {
    const { upstream, folder } = this
    const target = kind === 'TCP' ? `http://127.0.0.1:${upstream.port}` : `unix:${upstream.unix}`
    const file = join(folder, `gateway-${kind}-${accessLog}-${tls?.name}.toml`)
    const port = freePort()
    const tlsPort = tls === undefined ? undefined : freePort()
    const listen =
      tls === undefined
        ? ''
        : `[[listen]]\naddress = "127.0.0.1:${tlsPort}"\ntls = { cert = "${tls.cert}", key = "${tls.key}" }`
    await Bun.write(
      file,
      `log = { access = "${accessLog ? 'all' : 'off'}" }
       [[upstream]]\nname = "dogs"\ntargets = ["${target}"]
       [[route]]\nid = "dogs"\npath = "/dogs"\nupstream = "dogs"
       ${listen}`,
    )
    // The log goes to a file, like that of nginx: the reader of a pipe would take CPU from the measured processes.
    const env = {
      GATEWAY_CONFIG: file,
      GATEWAY_PORT: String(port),
      GATEWAY_ADMIN_PORT: '0',
      GATEWAY_WORKERS: '1',
    }
    const command = [process.execPath, join(import.meta.dir, '../index.ts')]
    const master = await this.#start(command, port, { env, stdout: Bun.file(`${file}.log`) })
    const [pid] = childrenOf(master.pid)
    return {
      name: `gateway, ${kind}${accessLog ? ', log' : ''}`,
      url: urlOf(tlsPort ?? port, tls),
      pid: pid!,
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.#processes) each.kill('SIGTERM')
    await Promise.all(this.#processes.map(({ exited }) => exited))
  }

  async #start(
    command: string[],
    port: number,
    { env = {}, stdout }: { env?: Record<string, string>; stdout?: Bun.BunFile } = {},
    tls?: KeyPair,
  ): Promise<Subprocess> {
    const started = Bun.spawn(command, {
      env: { ...Bun.env, ...env },
      stdio: ['ignore', stdout ?? 'ignore', 'inherit'],
    })
    this.#processes.push(started)
    const lastMs = performance.now() + START_MS
    for (;;) {
      if (started.exitCode !== null) throw new Error(`${command.join(' ')} ended with ${started.exitCode}`)
      if (performance.now() > lastMs) throw new Error(`${command.join(' ')} does not respond`)
      const isOpen = await fetch(`${urlOf(port, tls)}/dogs/1/`, { tls: { rejectUnauthorized: false } }).then(
        (response) => response.ok,
        () => false,
      )
      if (isOpen) return started
      await Bun.sleep(20)
    }
  }
}
