/** A command line becomes a configuration. The exporter takes flags, not variables, as exporters do; see settings.ts. */
import { type Flag, helpText, readFlags } from './flags.ts'
import { COLLECT_CORES, FLAGS, HELP, type Setting, SETTINGS, SHOW_VERSION } from './settings.ts'
import { VERSION } from './version.ts'

type Settings = typeof SETTINGS
type Value<One> = One extends Setting<infer Type> ? Type : never

/** The value of each setting; one without a default may be undefined. */
export type Config = {
  readonly [Key in keyof Settings]: Settings[Key] extends { isList: true }
    ? readonly Value<Settings[Key]>[]
    : Settings[Key] extends { defaults: readonly [] }
      ? Value<Settings[Key]> | undefined
      : Value<Settings[Key]>
} & { readonly collectCores: boolean }

/** The result of a command line: a configuration, a text to print, or every problem. */
export type Invocation = { config: Config } | { print: string } | { problems: string[] }

/** Paths of other pages. */
const TAKEN_PATHS = /^\/(probe|workers\.json|live\.json|favicon\.ico|-\/(healthy|ready)|page\/.*)?$/

/** Reads a command line, without the program's name. */
export function readConfig(args: readonly string[]): Invocation {
  const { values, problems } = readFlags(args, FLAGS)
  const isOn = ({ name }: Flag) => values.get(name)?.[0] === 'true'
  if (isOn(HELP)) return { print: helpText('usage: exporter [flags]', FLAGS) }
  if (isOn(SHOW_VERSION)) return { print: `exporter ${VERSION} (bun ${Bun.version})\n` }

  const all = (setting: Setting<unknown>): unknown[] =>
    (values.get(setting.name) ?? setting.defaults).flatMap((text) => {
      const value = setting.parse(text)
      if (value !== undefined) return [value]
      problems.push(`--${setting.name}=${text} is not allowed: must be ${setting.allowed}`)
      return []
    })
  // The cast holds if there is no problem; otherwise the configuration is not returned.
  const config = Object.freeze({
    ...Object.fromEntries(
      Object.entries<Setting<unknown>>(SETTINGS).map(([key, setting]) => [
        key,
        setting.isList ? all(setting) : all(setting)[0],
      ]),
    ),
    collectCores: isOn(COLLECT_CORES),
  }) as Config

  // Two equal targets would give each series twice, and Prometheus would reject the page.
  const labels = config.targets.map(({ label }) => label)
  for (const repeated of new Set(labels.filter((label, index) => labels.indexOf(label) < index)))
    problems.push(`--${SETTINGS.targets.name}=${repeated} is given more than once`)
  if (config.collectCores && config.namespace !== 'uwsgi')
    problems.push(`--${COLLECT_CORES.name} needs --${SETTINGS.namespace.name}=uwsgi`)
  if (TAKEN_PATHS.test(config.telemetryPath))
    problems.push(
      `--${SETTINGS.telemetryPath.name}=${config.telemetryPath} is already the path of another page`,
    )
  return problems.length > 0 ? { problems } : { config }
}
