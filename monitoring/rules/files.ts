/** The rule files that Prometheus loads, and their text. */

import { burnRates } from './burn_rates.ts'
import { capacity } from './capacity.ts'
import { gateway } from './gateway.ts'
import type { Objective } from './objective.ts'
import { original } from './original.ts'
import { red } from './red.ts'
import type { Alert, Apps, Group, Recording, RuleFile } from './rule.ts'
import { services } from './services.ts'
import { targets } from './targets.ts'
import { workers } from './workers.ts'

const LINE = 118

/** All rule files for some apps. The rules of the gateway need one. */
export const ruleFiles = (apps: Apps, objectives: readonly Objective[]): RuleFile[] => [
  red(),
  ...(apps.hasGateway ? [original()] : []),
  burnRates(apps, objectives),
  targets(apps),
  workers(apps),
  ...(apps.hasGateway ? [gateway(apps)] : []),
  services(apps),
  capacity(apps),
]

/** The text of a file in YAML, laid out for readers: expressions in blocks, labels on one line. */
export function render({ comment, groups }: RuleFile): string {
  const generated =
    'Generated from monitoring/rules by `bun run dashboards`: change that folder, not this file.'
  const head = [...wrap(comment), ...wrap(generated)].map((line) => `# ${line}`)
  return [...head, '', 'groups:', ...groups.flatMap(groupLines), ''].join('\n')
}

function groupLines({ name, interval, rules }: Group): string[] {
  const every = interval === undefined ? [] : [`    interval: ${interval}`]
  const blocks = rules.map((rule) =>
    ruleLines(rule).map((line, index) => `      ${index === 0 ? '- ' : '  '}${line}`),
  )
  return [`  - name: ${name}`, ...every, '    rules:', blocks.map((block) => block.join('\n')).join('\n\n')]
}

function ruleLines(rule: Recording | Alert): string[] {
  const expr = ['expr: |', ...rule.expr.split('\n').map((line) => `  ${line}`)]
  if ('record' in rule) return [`record: ${rule.record}`, ...expr]
  const labels = Object.entries(rule.labels).map(([name, value]) => `${name}: ${quoted(value)}`)
  const annotations = Object.entries(rule.annotations).map(([name, value]) => `  ${name}: ${quoted(value)}`)
  const waits = rule.for === undefined ? [] : [`for: ${rule.for}`]
  return [
    `alert: ${rule.alert}`,
    ...expr,
    ...waits,
    `labels: { ${labels.join(', ')} }`,
    'annotations:',
    ...annotations,
  ]
}

/** The quotes that `bun fmt` would choose: single ones, except for a text with an apostrophe and no double quote. */
function quoted(text: string): string {
  const hasOnlyApostrophes = text.includes("'") && !text.includes('"')
  return hasOnlyApostrophes ? JSON.stringify(text) : `'${text.replaceAll("'", "''")}'`
}

function wrap(text: string): string[] {
  const lines: string[] = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!
    if (line.length + word.length >= LINE) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines
}
