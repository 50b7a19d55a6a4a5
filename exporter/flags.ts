/**
 * Command lines as Go exporters read them: `--flag=value` or `--flag value`. This knows the grammar and the help
 * text; which flags there are and what their values mean is in config.ts.
 */
import { nearest } from '@bun-monitoring/prefork/config'

export interface Flag {
  name: string
  group: string
  help: string
  /** Stands for the value in the help text; a flag without one is a switch. */
  placeholder?: string
  defaults: readonly string[]
  /** Whether it may be given more than once, and several values at once with commas between them. */
  isList?: boolean
}

/** What was given by flag name, values in order, and all that is wrong with how it was given. */
export interface Given {
  values: Map<string, string[]>
  problems: string[]
}

/** Reads a command line. Values are not looked at. */
export function readFlags(args: readonly string[], flags: readonly Flag[]): Given {
  const values = new Map<string, string[]>()
  const problems: string[] = []
  const left = args.map((arg) => (arg === '-h' ? '--help' : arg))

  while (left.length > 0) {
    const arg = left.shift()!
    const [, name, attached] = /^--([^=]*)(?:=(.*))?$/s.exec(arg) ?? []
    if (name === undefined) {
      problems.push(`unexpected argument ${JSON.stringify(arg)}`)
      continue
    }
    const flag = flags.find((known) => known.name === name)
    const isSwitch = flag !== undefined && flag.placeholder === undefined
    const isNextItsValue = attached === undefined && !isSwitch && left[0]?.startsWith('-') === false
    const value = isNextItsValue ? left.shift() : attached
    if (flag === undefined) {
      const names = flags.map((known) => known.name)
      problems.push(`--${name} is not a flag: did you mean --${nearest(name, names)}?`)
    } else if (isSwitch !== (value === undefined)) {
      problems.push(isSwitch ? `--${name} takes no value` : `--${name} needs a value: ${flag.placeholder}`)
    } else if (values.has(name) && !flag.isList) {
      problems.push(`--${name} is given more than once`)
    } else {
      const items = flag.isList ? value!.split(',') : [value ?? '']
      values.set(name, [...(values.get(name) ?? []), ...items])
    }
  }
  return { values, problems }
}

/** The text of `--help`: flags by group, in the order of the list. */
export function helpText(usage: string, flags: readonly Flag[]): string {
  const groups = Map.groupBy(flags, (flag) => flag.group)
  const sections = Array.from(groups, ([group, members]) => `${group}:\n${members.map(helpOf).join('\n')}`)
  return `${usage}\n\n${sections.join('\n\n')}\n`
}

function helpOf({ name, placeholder, help, defaults }: Flag): string {
  const flag = placeholder === undefined ? `--${name}` : `--${name}=${placeholder}`
  const standing = defaults.length === 0 ? '' : ` (default ${defaults.join(',')})`
  return `  ${flag}\n      ${help}${standing}`
}
