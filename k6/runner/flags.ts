/** The command line: k6's flags as far as the runner has them, and the name of a shape or a script. */

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Stage } from './users/stages.ts'
import { Unsupported } from './shared/unsupported.ts'

export interface Flags {
  script: string
  /** `-e NAME=VALUE`: variables for the script. */
  env: Record<string, string>
  users: number | undefined
  duration: string | undefined
  stages: Stage[]
  tags: Record<string, string>
  outputs: string[]
  hasThresholds: boolean
  isQuiet: boolean
  isHelp: boolean
}

export const USAGE = `bun run load [shape | script.ts] [flags]

  shapes: smoke (the default), stress, spike, soak, breakpoint; see k6/README.md

  -e, --env NAME=VALUE     a variable for the script, such as BASE_URL=http://127.0.0.1:8000
  -u, --vus N              virtual users; with --duration or --stage in place of the shape
  -d, --duration 30s       how long these users go on
  -s, --stage 15s:10,...   how long, and how many users there are at the end
  -o, --out prometheus     write the numbers to Prometheus (K6_PROMETHEUS_RW_SERVER_URL), or json=<file>
      --tag NAME=VALUE     a tag of all numbers
      --no-thresholds      pass, whether thresholds are kept or not
  -q, --quiet              print no progress
`

const SCRIPT = join(import.meta.dir, '../load_test.ts')

const flags = {
  env: { type: 'string', short: 'e', multiple: true },
  vus: { type: 'string', short: 'u' },
  duration: { type: 'string', short: 'd' },
  stage: { type: 'string', short: 's', multiple: true },
  out: { type: 'string', short: 'o', multiple: true },
  tag: { type: 'string', multiple: true },
  'no-thresholds': { type: 'boolean' },
  quiet: { type: 'boolean', short: 'q' },
  help: { type: 'boolean', short: 'h' },
} as const

/** Variables of k6 that the runner reads, or that have no meaning for it. */
const VARIABLES = new Set([
  'K6_PROMETHEUS_RW_SERVER_URL',
  'K6_PROMETHEUS_RW_TREND_STATS',
  'K6_NO_USAGE_REPORT',
  'K6_AUTO_EXTENSION_RESOLUTION',
])

/** @throws Unsupported when a variable of k6 is set that the runner would ignore, such as K6_VUS */
export function checkVariables(env: Readonly<Record<string, string | undefined>>): void {
  const ignored = Object.keys(env).find((name) => name.startsWith('K6_') && !VARIABLES.has(name))
  if (ignored !== undefined) throw new Unsupported(`the variable ${ignored}`)
}

/** @throws TypeError when a flag is wrong; Unsupported when the runner does not have it */
export function flagsOf(command: readonly string[]): Flags {
  const { values, positionals } = parse(command)
  const [positional, ...others] = positionals
  if (others.length > 0)
    throw new TypeError(`one shape or script at a time, not ${positionals.join(' and ')}`)
  const isScript = positional !== undefined && /\.[jt]s$/.test(positional)
  const shape: Record<string, string> = positional === undefined || isScript ? {} : { SHAPE: positional }
  return {
    script: isScript ? positional : SCRIPT,
    env: { ...shape, ...pairsOf('-e', values.env) },
    users: values.vus === undefined ? undefined : wholeNumber('--vus', values.vus),
    duration: values.duration,
    stages: (values.stage ?? []).flatMap((stages) => stages.split(',').map(stageOf)),
    tags: pairsOf('--tag', values.tag),
    outputs: values.out ?? [],
    hasThresholds: values['no-thresholds'] !== true,
    isQuiet: values.quiet === true,
    isHelp: values.help === true,
  }
}

function parse(command: readonly string[]) {
  try {
    return parseArgs({ args: [...command], options: flags, allowPositionals: true, strict: true })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const [, flag] = /^Unknown option '([^']+)'/.exec(message) ?? []
    if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' && flag !== undefined)
      throw new Unsupported(`the flag ${flag}`)
    throw new TypeError(message, { cause: error })
  }
}

function pairsOf(flag: string, pairs: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1) throw new TypeError(`${flag} takes NAME=VALUE, not "${pair}"`)
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}

function stageOf(text: string): Stage {
  const [, duration, target] = /^([^:]+):(\d+)$/.exec(text) ?? []
  if (duration === undefined)
    throw new TypeError(`--stage takes DURATION:USERS, such as 30s:10, not "${text}"`)
  return { duration, target: Number(target) }
}

function wholeNumber(flag: string, text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new TypeError(`${flag} takes a whole number from 1, not "${text}"`)
  return Number(text)
}
