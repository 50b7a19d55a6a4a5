/**
 * What the exporter was asked to do. It takes flags, not variables, because exporters do; which ones is in settings.ts.
 */
import type { Allowed } from './allow.ts'
import { helpText, readFlags } from './flags.ts'
import {
  COLLECT_CORES,
  FLAGS,
  HELP,
  type ListenAddress,
  type LogFormat,
  type LogLevel,
  type Namespace,
  type Setting,
  SETTINGS,
  SHOW_VERSION,
} from './settings.ts'
import type { Target } from './target.ts'
import { VERSION } from './version.ts'

export interface Config {
  targets: readonly Target[]
  maxBytes: number
  /** How much earlier than the scraper's own timeout a scrape gives up on a target. */
  timeoutOffsetMs: number
  /** What /probe may read besides the targets. */
  allowed: readonly Allowed[]
  namespace: Namespace
  collectCores: boolean
  listen: ListenAddress
  telemetryPath: string
  webConfigFile: string | undefined
  logLevel: LogLevel
  logFormat: LogFormat
}

/** What a command line comes to: a configuration, a text to print, or everything that is wrong with it. */
export type Invocation = { config: Readonly<Config> } | { print: string } | { problems: string[] }

/** Reads a command line, without the program's name. */
export function readConfig(args: readonly string[]): Invocation {
  const { values, problems } = readFlags(args, FLAGS)
  if (values.has(HELP.name)) return { print: helpText('usage: exporter [flags]', FLAGS) }
  if (values.has(SHOW_VERSION.name)) return { print: `exporter ${VERSION} (bun ${Bun.version})\n` }

  const all = <T>(setting: Setting<T>): T[] =>
    (values.get(setting.name) ?? setting.defaults).flatMap((text) => {
      const value = setting.parse(text)
      if (value !== undefined) return [value]
      problems.push(`--${setting.name}=${text} is not allowed: must be ${setting.allowed}`)
      return []
    })
  const targets = all<Target>(SETTINGS.targets)
  // Two equal targets would be the same series twice, and a scraper refuses such a page.
  const labels = targets.map(({ label }) => label)
  for (const twice of new Set(labels.filter((label, index) => labels.indexOf(label) < index)))
    problems.push(`--${SETTINGS.targets.name}=${twice} is given more than once`)

  // Where there is no problem, every value is there.
  const config: Config = {
    targets,
    maxBytes: all(SETTINGS.maxBytes)[0]!,
    timeoutOffsetMs: all(SETTINGS.timeoutOffsetMs)[0]!,
    allowed: all<Allowed>(SETTINGS.allowed),
    namespace: all(SETTINGS.namespace)[0]!,
    collectCores: values.has(COLLECT_CORES.name),
    listen: all<ListenAddress>(SETTINGS.listen)[0]!,
    telemetryPath: all(SETTINGS.telemetryPath)[0]!,
    webConfigFile: all(SETTINGS.webConfigFile)[0],
    logLevel: all(SETTINGS.logLevel)[0]!,
    logFormat: all(SETTINGS.logFormat)[0]!,
  }
  if (config.collectCores && config.namespace !== 'uwsgi')
    problems.push(`--${COLLECT_CORES.name} needs --${SETTINGS.namespace.name}=uwsgi`)
  const taken = ['/', '/probe', '/workers.json', '/-/healthy', '/-/ready']
  if (taken.includes(config.telemetryPath))
    problems.push(`--${SETTINGS.telemetryPath.name}=${config.telemetryPath} is the path of something else`)
  return problems.length > 0 ? { problems } : { config: Object.freeze(config) }
}
