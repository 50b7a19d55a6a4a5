/**
 * What the exporter was asked to do. It takes flags, not variables, because exporters do; which ones is in settings.ts.
 */
import { helpText, readFlags } from './flags.ts'
import { COLLECT_CORES, FLAGS, HELP, type Setting, SETTINGS, SHOW_VERSION } from './settings.ts'
import { VERSION } from './version.ts'

type Settings = typeof SETTINGS
type Value<One> = One extends Setting<infer Type> ? Type : never

/** What each setting came to; those without a default may be undefined. */
export type Config = {
  readonly [Key in keyof Settings]: Settings[Key] extends { isList: true }
    ? readonly Value<Settings[Key]>[]
    : Settings[Key] extends { defaults: readonly [] }
      ? Value<Settings[Key]> | undefined
      : Value<Settings[Key]>
} & { readonly collectCores: boolean }

/** What a command line comes to: a configuration, a text to print, or everything that is wrong with it. */
export type Invocation = { config: Config } | { print: string } | { problems: string[] }

/** Reads a command line, without the program's name. */
export function readConfig(args: readonly string[]): Invocation {
  const { values, problems } = readFlags(args, FLAGS)
  if (values.has(HELP.name)) return { print: helpText('usage: exporter [flags]', FLAGS) }
  if (values.has(SHOW_VERSION.name)) return { print: `exporter ${VERSION} (bun ${Bun.version})\n` }

  const all = (setting: Setting<unknown>): unknown[] =>
    (values.get(setting.name) ?? setting.defaults).flatMap((text) => {
      const value = setting.parse(text)
      if (value !== undefined) return [value]
      problems.push(`--${setting.name}=${text} is not allowed: must be ${setting.allowed}`)
      return []
    })
  // Where there is no problem, every value is there.
  const config = Object.freeze({
    ...Object.fromEntries(
      Object.entries<Setting<unknown>>(SETTINGS).map(([key, setting]) => [
        key,
        setting.isList ? all(setting) : all(setting)[0],
      ]),
    ),
    collectCores: values.has(COLLECT_CORES.name),
  }) as Config

  // Two equal targets would be the same series twice, and a scraper refuses such a page.
  const labels = config.targets.map(({ label }) => label)
  for (const twice of new Set(labels.filter((label, index) => labels.indexOf(label) < index)))
    problems.push(`--${SETTINGS.targets.name}=${twice} is given more than once`)
  if (config.collectCores && config.namespace !== 'uwsgi')
    problems.push(`--${COLLECT_CORES.name} needs --${SETTINGS.namespace.name}=uwsgi`)
  const taken = ['/', '/probe', '/workers.json', '/-/healthy', '/-/ready']
  if (taken.includes(config.telemetryPath))
    problems.push(`--${SETTINGS.telemetryPath.name}=${config.telemetryPath} is the path of something else`)
  return problems.length > 0 ? { problems } : { config }
}
