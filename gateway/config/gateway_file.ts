/**
 * gateway.toml as the gateway uses it. toml.ts parses the text, schema.ts declares the keys, problems.ts finds and words
 * the problems.
 */
import { ConfigError, type Environment } from '@bun-monitoring/prefork'
import type { Static } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { AccessLogConfig } from '../observe/access_log.ts'
import { parseListen } from './address.ts'
import type { Limits, Timeouts } from './limits.ts'
import { referenceProblems, shapeProblems } from './problems.ts'
import type { RouteSchema } from './route_schema.ts'
import { FileSchema, type ListenSchema, type UpstreamSchema } from './schema.ts'
import { type ClientTls, type ServerTls, TlsReader } from './tls.ts'
import { readToml } from './toml.ts'

/** An upstream. */
export interface UpstreamConfig {
  name: string
  /** The entries of `targets`; see upstream/discovery.ts. */
  targets: string[]
  /** Active checks. Without them only failed requests eject a target. */
  health?: HealthConfig
  /** For targets with https. */
  tls?: ClientTls
  maxConnections: number
  maxTunnels: number
  queue: number
  queueMs: number
}

/** Active checks of targets. */
export interface HealthConfig {
  path: string
  intervalMs: number
  timeoutMs: number
  passes: number
  fails: number
  /** Statuses that pass; without it 200 to 299. */
  expect?: number[]
}

/** A route: which requests it takes, and what it does with them. */
export type RouteConfig = Omit<Static<typeof RouteSchema>, 'errors'> & { errors?: Map<number, ErrorPage> }

/** An address that accepts clients, beside that of the settings. */
export interface ListenConfig {
  hostname: string
  port: number
  tls?: ServerTls
  redirect?: Redirect
  /** Changes of the fields of redirects. */
  responseHeaders?: HeadersConfig
}

/** What a client that asks for HTML gets in place of an error. */
export type ErrorPage = { html: string } | { location: string }

/** Changes of header fields. */
export interface HeadersConfig {
  set?: Record<string, string | string[]>
  add?: Record<string, string | string[]>
  remove?: string[]
}

/** Where requests are redirected. */
export type Redirect = { status: number; location: string }

/** The file, as the gateway uses it. */
export interface GatewayFile {
  listen: ListenConfig[]
  limits: Limits
  timeouts: Timeouts
  log: AccessLogConfig
  trustedProxies: string[]
  upstreams: UpstreamConfig[]
  routes: RouteConfig[]
  errors: Map<number, ErrorPage>
}

/** Without a default in the schema, which would also replace a table (`[listen]` in place of `[[listen]]`). */
const LISTS = { listen: [], trusted_proxies: [], upstream: [], route: [] }

/**
 * @param text the content, if the program has it already
 * @throws {ConfigError} with all problems of the file
 */
export function readGatewayFile(path: string, env: Environment, text?: string): GatewayFile {
  const { document: given, problems } = readToml(path, env, text)
  const document = Value.Default(FileSchema, { ...LISTS, ...Object(given) })
  problems.push(...shapeProblems(FileSchema, document), ...referenceProblems(document))
  if (problems.length > 0) throw new ConfigError(problems)

  const reader = new TlsReader(dirname(path))
  const pages = new PageReader(dirname(path))
  const { limits, timeouts, log, errors, trusted_proxies, listen, upstream, route } = document as Static<
    typeof FileSchema
  >
  const result = {
    limits: camelCase(limits) as unknown as Limits,
    timeouts: camelCase(timeouts) as unknown as Timeouts,
    log: camelCase(log) as unknown as AccessLogConfig,
    trustedProxies: trusted_proxies,
    listen: listen.map((each, i) => listenOf(each, `listen[${i}].tls`, reader)),
    upstreams: upstream.map((each, i) => upstreamOf(each, `upstream[${i}].tls`, reader)),
    routes: route.map((each, i) => routeOf(each, `route[${i}].errors`, pages)),
    errors: pages.read(errors, 'errors'),
  }
  const found = [...reader.problems, ...pages.problems]
  if (found.length > 0) throw new ConfigError(found)
  return result
}

function upstreamOf(
  { tls, ...rest }: Static<typeof UpstreamSchema>,
  key: string,
  reader: TlsReader,
): UpstreamConfig {
  const config = camelCase(rest) as unknown as UpstreamConfig
  return tls === undefined ? config : { ...config, tls: reader.client(tls, key) }
}

function routeOf(
  { errors, ...rest }: Static<typeof RouteSchema>,
  key: string,
  pages: PageReader,
): RouteConfig {
  return errors === undefined ? rest : { ...rest, errors: pages.read(errors, key) }
}

function listenOf(
  { address, tls, redirect, response_headers }: Static<typeof ListenSchema>,
  key: string,
  reader: TlsReader,
): ListenConfig {
  return {
    ...parseListen(address)!,
    ...(tls === undefined ? {} : { tls: reader.server(tls, key) }),
    ...(redirect === undefined ? {} : { redirect: { status: PERMANENT, location: redirect } }),
    ...(response_headers === undefined ? {} : { responseHeaders: response_headers as HeadersConfig }),
  }
}

/** Reads the files of error pages, whose paths are relative to a folder, and collects the problems. */
class PageReader {
  readonly problems: string[] = []

  constructor(readonly folder: string) {}

  read(table: Record<string, string> | undefined, key: string): Map<number, ErrorPage> {
    const pages = new Map<number, ErrorPage>()
    for (const [status, text] of Object.entries(table ?? {})) {
      const page = this.#page(text, `${key}.${status}`)
      if (page !== undefined) pages.set(Number(status), page)
    }
    return pages
  }

  #page(text: string, key: string): ErrorPage | undefined {
    if (/^https?:\/\/[!-~]+$/.test(text)) return { location: text }
    try {
      return { html: readFileSync(resolve(this.folder, text), 'utf8') }
    } catch (error) {
      this.problems.push(`${key}: ${text} cannot be read: ${(error as Error).message}`)
      return undefined
    }
  }
}

/** 308 Permanent Redirect keeps the method. */
const PERMANENT = 308

/** Changes keys to camel case, also in nested tables: `body_bytes` to `bodyBytes`. */
export const camelCase = (table: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(table).map(([key, value]) => [
      key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
      isTable(value) ? camelCase(value) : value,
    ]),
  )

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
