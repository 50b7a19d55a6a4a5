/**
 * The grammar of a command line, as Go's exporters have it (`--flag=value` or `--flag value`), and the text of `--help`.
 * The flags themselves are in settings.ts.
 */
import { parseArgs } from 'node:util'
import { nearest } from '@bun-monitoring/prefork/config'

export interface Flag {
  name: string
  group: string
  help: string
  /** Name of the value in the help text; a flag without a placeholder is a switch, which `--no-<name>` turns off. */
  placeholder?: string
  defaults: readonly string[]
  /** Whether the flag may be repeated, with several values at once separated by commas. */
  isList?: boolean
}

/** The values of each given flag in their order, and every problem of the command line. */
export interface GivenFlags {
  values: Map<string, string[]>
  problems: string[]
}

/** Reads a command line; the values are not checked here. */
export function readFlags(args: readonly string[], flags: readonly Flag[]): GivenFlags {
  const values = new Map<string, string[]>()
  const problems: string[] = []
  const { tokens } = parseArgs({
    args: args.map((arg) => (arg === '-h' ? '--help' : arg)),
    options: Object.fromEntries(
      flags.map(({ name, placeholder }) => [
        name,
        { type: placeholder === undefined ? 'boolean' : 'string' },
      ]),
    ),
    // Strict mode stops at the first problem; all of them are reported together.
    strict: false,
    allowNegative: true,
    tokens: true,
  })
  /** The argument after an unknown flag is probably its value. */
  let maybeValueIndex = -1

  for (const token of tokens) {
    if (token.kind !== 'option' || !token.rawName.startsWith('--')) {
      if (token.index !== maybeValueIndex)
        problems.push(`unexpected argument ${JSON.stringify(args[token.index])}`)
      continue
    }
    const { value, inlineValue } = token
    const given = token.rawName.slice('--'.length)
    const isNegated = given !== token.name && flags.some((known) => isSwitchOf(known, token.name))
    const name = isNegated ? token.name : given
    const flag = flags.find((known) => known.name === name)
    const isSwitch = flag !== undefined && isSwitchOf(flag, name)
    if (flag === undefined) {
      const names = flags.map((known) => known.name)
      problems.push(`--${name} is not a flag: did you mean --${nearest(name, names)}?`)
      if (inlineValue !== true) maybeValueIndex = token.index + 1
    } else if (isSwitch && value !== undefined) {
      problems.push(`--${given} takes no value`)
    } else if (!isSwitch && (value === undefined || (!inlineValue && value.startsWith('-')))) {
      problems.push(`--${name} needs a value: ${flag.placeholder}`)
    } else if (values.has(name) && !flag.isList) {
      problems.push(`--${name} is given more than once`)
    } else {
      const items = flag.isList ? value!.split(',') : [value ?? String(!isNegated)]
      values.set(name, [...(values.get(name) ?? []), ...items])
    }
  }
  return { values, problems }
}

const isSwitchOf = (flag: Flag, name: string): boolean => flag.name === name && flag.placeholder === undefined

/** The text of `--help`: flags by group, in the order of the list. */
export function helpText(usage: string, flags: readonly Flag[]): string {
  const groups = Map.groupBy(flags, (flag) => flag.group)
  const sections = Array.from(groups, ([group, members]) => `${group}:\n${members.map(helpOf).join('\n')}`)
  return `${usage}\n\n${sections.join('\n\n')}\n`
}

function helpOf({ name, placeholder, help, defaults }: Flag): string {
  const flag = placeholder === undefined ? `--${name}` : `--${name}=${placeholder}`
  const defaultText = defaults.length === 0 ? '' : ` (default ${defaults.join(',')})`
  return `  ${flag}\n      ${help}${defaultText}`
}
