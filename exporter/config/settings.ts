/**
 * The flags: names, defaults, help texts and allowed values. config.ts makes a configuration of them; the grammar of a
 * command line is in flags.ts.
 */
import { parseAllowed } from './allowed.ts'
import type { Flag } from './flags.ts'
import { parseTarget, type Target } from './target.ts'

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

const LOG_FORMATS = ['json', 'logfmt'] as const
export type LogFormat = (typeof LOG_FORMATS)[number]

/** The address to listen on; without a host name, every interface. */
export interface ListenAddress {
  hostname?: string
  port: number
}

/** A flag with a value. `parse` returns undefined for a text that `allowed` does not describe. */
export interface Setting<T> extends Flag {
  placeholder: string
  allowed: string
  parse(text: string): T | undefined
}

const MEBIBYTE = 1024 * 1024

/** Every flag that takes a value, by its name in the configuration. */
export const SETTINGS = {
  targets: {
    name: 'stats.uri',
    group: 'Targets',
    placeholder: 'URI',
    help: 'address of the stats document of a process cluster; repeat it or separate with commas for several',
    defaults: ['http://127.0.0.1:9000/stats', 'http://127.0.0.1:9001/stats', 'http://127.0.0.1:9002/stats'],
    isList: true,
    allowed: 'http://, https:// or tcp:// with a host, unix:///path or unix:@name, without user and password',
    parse: parseTarget,
  },
  maxBytes: {
    name: 'stats.max-bytes',
    group: 'Targets',
    placeholder: 'BYTES',
    help: 'size limit of a stats document, and of all documents that are being read at the same time',
    defaults: [String(64 * MEBIBYTE)],
    allowed: `a number of bytes from ${MEBIBYTE} up`,
    parse: (text) => (/^\d{1,12}$/.test(text) && Number(text) >= MEBIBYTE ? Number(text) : undefined),
  },
  timeoutOffsetMs: {
    name: 'timeout-offset',
    group: 'Targets',
    placeholder: 'SECONDS',
    help: 'a target must respond this much earlier than the timeout of the scraper',
    defaults: ['0.25'],
    allowed: 'a number of seconds from 0 up',
    parse: (text) => (/^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : undefined),
  },
  allowed: {
    name: 'probe.allow',
    group: 'Targets',
    placeholder: 'HOST',
    help: 'host name, address or network that /probe may read besides the targets above; repeat it or separate with commas',
    defaults: [],
    isList: true,
    allowed: 'a host name, an address, or a network such as 10.0.0.0/8',
    parse: parseAllowed,
  },
  namespace: oneOf('metrics.namespace', 'Metrics', 'NAMESPACE', ['prefork', 'uwsgi'], 'names of the metrics'),
  listen: {
    name: 'web.listen-address',
    group: 'Web',
    placeholder: 'ADDRESS',
    help: 'host:port to serve on, :port for every interface; port 0 takes a free one; repeat it for several',
    defaults: ['127.0.0.1:9117'],
    isList: true,
    allowed: 'host:port or :port with a port from 0 to 65535',
    parse: parseListenAddress,
  },
  telemetryPath: {
    name: 'web.telemetry-path',
    group: 'Web',
    placeholder: 'PATH',
    help: 'path of the metrics',
    defaults: ['/metrics'],
    allowed: 'a path such as /metrics, of letters, digits and ._~-/',
    // HTTP clients resolve `..`, so a path with it could never be requested.
    parse: (text) =>
      /^\/[\w.~/-]+$/.test(text) && new URL(`http://exporter${text}`).pathname === text ? text : undefined,
  },
  webConfigFile: {
    name: 'web.config.file',
    group: 'Web',
    placeholder: 'FILE',
    help: "TLS and basic authentication, in the format of Prometheus' exporter-toolkit",
    defaults: [],
    allowed: 'a path',
    parse: (text) => (text === '' ? undefined : text),
  },
  externalPath: {
    name: 'web.external-url',
    group: 'Web',
    placeholder: 'URL',
    help: 'URL of the exporter behind a proxy: requests may have its path as prefix',
    defaults: [],
    allowed: 'an http or https URL without query',
    parse: parseExternalPath,
  },
  links: {
    name: 'web.link',
    group: 'Web',
    placeholder: 'NAME=URL',
    help: 'link of the live page, shown while the URL responds; repeat it or separate with commas for several',
    defaults: ['Prometheus=http://127.0.0.1:9090/', 'Grafana=http://127.0.0.1:3000/'],
    isList: true,
    allowed: 'a name and an http or https URL such as Prometheus=http://127.0.0.1:9090/',
    parse: parseLink,
  },
  logLevel: oneOf('log.level', 'Other', 'LEVEL', LOG_LEVELS, 'lowest level that is logged', 'info'),
  logFormat: oneOf('log.format', 'Other', 'FORMAT', LOG_FORMATS, 'format of log lines'),
  historyMs: {
    name: 'history',
    group: 'Live page',
    placeholder: 'TIME',
    help: 'time that the charts of the live page show; 0 keeps nothing',
    defaults: ['15m'],
    allowed: 'a time such as 90s, 15m or 1h, at most 24h, or 0',
    parse: (text) => parseTime(text, 0, MAX_HISTORY_MS),
  },
  stepMs: {
    name: 'history.step',
    group: 'Live page',
    placeholder: 'TIME',
    help: 'time between two points of the charts, and between two readings for them',
    defaults: ['5s'],
    allowed: 'a time from 100ms to 60s',
    parse: (text) => parseTime(text, 100, 60_000),
  },
} as const satisfies Record<string, Setting<unknown>>

export const COLLECT_CORES: Flag = {
  name: 'collect.cores',
  group: 'Metrics',
  help: 'metrics of each core, with --metrics.namespace=uwsgi; a large document has tens of thousands',
  defaults: [],
}
export const SHOW_VERSION: Flag = { name: 'version', group: 'Other', help: 'print the version', defaults: [] }
export const HELP: Flag = { name: 'help', group: 'Other', help: 'print this', defaults: [] }

/** Every flag, in the order of the help text. */
export const FLAGS: readonly Flag[] = [...Object.values(SETTINGS), COLLECT_CORES, SHOW_VERSION, HELP]

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const MAX_HISTORY_MS = 24 * 3_600_000

function parseTime(text: string, leastMs: number, mostMs: number): number | undefined {
  const [, amount, unit = ''] = /^(\d{1,9})(ms|s|m|h)$/.exec(text === '0' ? '0s' : text) ?? []
  const ms = Number(amount) * UNITS_MS[unit]!
  return ms >= leastMs && ms <= mostMs ? ms : undefined
}

/** A link of the live page. */
export interface Link {
  name: string
  url: string
  target: Target
}

function parseLink(text: string): Link | undefined {
  const [, name, url = ''] = /^([^=]+)=(https?:\/\/.*)$/i.exec(text) ?? []
  const target = parseTarget(url)
  return name !== undefined && target?.http ? { name, url, target } : undefined
}

/** The path of the URL without a slash at its end. */
function parseExternalPath(text: string): string | undefined {
  const url = URL.parse(text)
  const isUsable = url !== null && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === ''
  return isUsable ? url.pathname.replace(/\/+$/, '') : undefined
}

/** A setting whose value is one of some words; the default is the first one, unless another is given. */
function oneOf<const Word extends string>(
  name: string,
  group: string,
  placeholder: string,
  words: readonly Word[],
  help: string,
  defaultWord: Word = words[0]!,
): Setting<Word> {
  const list = words.join(', ')
  return {
    name,
    group,
    placeholder,
    help: `${help}: ${list}`,
    defaults: [defaultWord],
    allowed: `one of ${list}`,
    parse: (text) => words.find((word) => word === text),
  }
}

function parseListenAddress(text: string): ListenAddress | undefined {
  const [, ipv6, name, digits] = /^(?:\[([\da-f:.]+)\]|([^\s:/[\]]*)):(\d+)$/i.exec(text) ?? []
  const port = Number(digits)
  if (digits === undefined || port > 65_535) return undefined
  const hostname = ipv6 ?? name
  return hostname ? { hostname, port } : { port }
}
