/**
 * What the exporter was asked to do: its flags, their defaults and what their values may be. The grammar of a command
 * line is in flags.ts. The exporter takes flags, not variables, because exporters do.
 */
import { type Flag, helpText, readFlags } from './flags.ts'
import packageJson from './package.json' with { type: 'json' }

export type LogLevel = (typeof LOG_LEVELS)[number]

/** Where to listen; without a host name, on every interface. */
export interface ListenAddress {
  hostname?: string
  port: number
}

export interface Config {
  /** URIs of stats documents, as given: they are label values, too. */
  targets: readonly string[]
  /** How much earlier than the scraper's own timeout a scrape gives up on a target. */
  timeoutOffsetMs: number
  listen: ListenAddress
  telemetryPath: string
  logLevel: LogLevel
}

/** What a command line comes to: a configuration, a text to print, or everything that is wrong with it. */
export type Invocation = { config: Readonly<Config> } | { print: string } | { problems: string[] }

/** A flag whose value is read by `parse`, which gives nothing for what is not `allowed`. */
interface Setting<T> extends Flag {
  placeholder: string
  allowed: string
  parse(text: string): T | undefined
}

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const

export const VERSION: string = packageJson.version

const STATS_URI: Setting<string> = {
  name: 'stats.uri',
  group: 'Targets',
  placeholder: 'URI',
  help: 'where a process family answers with its stats document; repeat it or separate with commas for several',
  defaults: ['http://127.0.0.1:9000/stats', 'http://127.0.0.1:9001/stats', 'http://127.0.0.1:9002/stats'],
  isList: true,
  allowed: 'an http:// or https:// address',
  parse: (text) => (/^https?:\/\//i.test(text) && URL.canParse(text) ? text : undefined),
}

const TIMEOUT_OFFSET: Setting<number> = {
  name: 'timeout-offset',
  group: 'Targets',
  placeholder: 'SECONDS',
  help: 'how much earlier than the scraper a target is given up on',
  defaults: ['0.25'],
  allowed: 'a number of seconds from 0 up',
  parse: (text) => (/^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : undefined),
}

const LISTEN_ADDRESS: Setting<ListenAddress> = {
  name: 'web.listen-address',
  group: 'Web',
  placeholder: 'ADDRESS',
  help: 'host:port to serve on, :port for every interface; port 0 takes a free one',
  defaults: [':9117'],
  allowed: 'host:port or :port with a port from 0 to 65535',
  parse: parseListenAddress,
}

const TELEMETRY_PATH: Setting<string> = {
  name: 'web.telemetry-path',
  group: 'Web',
  placeholder: 'PATH',
  help: 'path of the metrics',
  defaults: ['/metrics'],
  allowed: 'a path such as /metrics, of letters, digits and ._~-/',
  parse: (text) => (/^\/[\w.~/-]+$/.test(text) ? text : undefined),
}

const LOG_LEVEL: Setting<LogLevel> = {
  name: 'log.level',
  group: 'Other',
  placeholder: 'LEVEL',
  help: `least severe level that is logged: ${LOG_LEVELS.join(', ')}`,
  defaults: ['info'],
  allowed: `one of ${LOG_LEVELS.join(', ')}`,
  parse: (text) => LOG_LEVELS.find((level) => level === text),
}

const SHOW_VERSION: Flag = { name: 'version', group: 'Other', help: 'print the version', defaults: [] }
const HELP: Flag = { name: 'help', group: 'Other', help: 'print this', defaults: [] }

/** Every flag, in the order of the help text. */
export const FLAGS: readonly Flag[] = [
  STATS_URI,
  TIMEOUT_OFFSET,
  LISTEN_ADDRESS,
  TELEMETRY_PATH,
  LOG_LEVEL,
  SHOW_VERSION,
  HELP,
]

/** Reads a command line, without the program's name. */
export function readConfig(args: readonly string[]): Invocation {
  const { values, problems } = readFlags(args, FLAGS)
  if (values.has(HELP.name)) return { print: helpText('usage: exporter [flags]', FLAGS) }
  if (values.has(SHOW_VERSION.name)) return { print: `exporter ${VERSION} (bun ${Bun.version})\n` }

  const all = <T>(setting: Setting<T>): (T | undefined)[] =>
    (values.get(setting.name) ?? setting.defaults).map((text) => {
      const value = setting.parse(text)
      if (value === undefined)
        problems.push(`--${setting.name}=${text} is not allowed: must be ${setting.allowed}`)
      return value
    })
  const config = {
    targets: all(STATS_URI),
    timeoutOffsetMs: all(TIMEOUT_OFFSET)[0],
    listen: all(LISTEN_ADDRESS)[0],
    telemetryPath: all(TELEMETRY_PATH)[0],
    logLevel: all(LOG_LEVEL)[0],
  }
  // Two equal targets would be the same series twice, and a scraper refuses such a page.
  for (const twice of repeated(config.targets))
    problems.push(`--${STATS_URI.name}=${twice} is given more than once`)
  // Without a problem every value is there.
  return problems.length > 0 ? { problems } : { config: Object.freeze(config as Config) }
}

function repeated(targets: readonly (string | undefined)[]): Set<string> {
  const later = targets.filter((target, index) => targets.indexOf(target) < index)
  return new Set(later.filter((target) => target !== undefined))
}

function parseListenAddress(text: string): ListenAddress | undefined {
  const [, ipv6, name, digits] = /^(?:\[([\da-f:.]+)\]|([^\s:/[\]]*)):(\d+)$/i.exec(text) ?? []
  const port = Number(digits)
  if (digits === undefined || port > 65_535) return undefined
  const hostname = ipv6 ?? name
  return hostname ? { hostname, port } : { port }
}
