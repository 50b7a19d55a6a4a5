/** Renames labels in rules and dashboards, for a Prometheus whose scrape configuration names them otherwise. */

import type { Alert, Recording, RuleFile } from '../rules/rule.ts'

/** New names by old ones: `{ job: 'service', instance: 'pod' }`. */
export type LabelNames = Readonly<Record<string, string>>

/**
 * Renames labels in PromQL. Values of labels, names of metrics and variables of Grafana do not change. The labels that
 * `label_replace` writes and reads are texts after a comma.
 */
export function renameInQuery(expr: string, names: LabelNames): string {
  const parts = expr.split(/("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')/)
  return parts
    .map((part, index) => {
      if (index % 2 === 0) return renameWords(part, names)
      const isArgument = /,\s*$/.test(parts[index - 1]!)
      return isArgument ? `"${names[part.slice(1, -1)] ?? part.slice(1, -1)}"` : part
    })
    .join('')
}

/** Renames labels in rules and in the templates of their texts. */
export function renameInRules(file: RuleFile, names: LabelNames): RuleFile {
  const inTemplates = (texts: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, renameInTemplate(text, names)]))
  const rename = (rule: Recording | Alert): Recording | Alert => {
    const expr = renameInQuery(rule.expr, names)
    if ('record' in rule) return { ...rule, expr }
    const annotations = inTemplates(rule.annotations) as Alert['annotations']
    return { ...rule, expr, labels: inTemplates(rule.labels), annotations }
  }
  return { ...file, groups: file.groups.map((group) => ({ ...group, rules: group.rules.map(rename) })) }
}

/** Renames labels in the queries, legends and variables of a dashboard. */
export function renameInDashboard<T>(dashboard: T, names: LabelNames): T {
  const copy: unknown = JSON.parse(JSON.stringify(dashboard), (key, value: unknown) => {
    if (typeof value !== 'string') return value
    if (['expr', 'query', 'definition'].includes(key)) return renameInQuery(value, names)
    if (['legendFormat', 'titleFormat'].includes(key)) return renameInLegend(value, names)
    return value
  })
  return copy as T
}

const renameWords = (text: string, names: LabelNames): string =>
  text.replace(/(?<![\w:$])[a-z_]+(?![\w:])/g, (word) => names[word] ?? word)

const renameInLegend = (text: string, names: LabelNames): string =>
  text.replace(/\{\{(\w+)\}\}/g, (legend, word: string) => (names[word] ? `{{${names[word]}}}` : legend))

/** `$labels.job`, and the queries of a template, whose labels are before a `=`. */
const renameInTemplate = (text: string, names: LabelNames): string =>
  text
    .replace(/(?<=\$labels\.)\w+/g, (word) => names[word] ?? word)
    .replace(/(?<=[{,]\s?)\w+(?==(?:'|%q))/g, (word) => names[word] ?? word)
