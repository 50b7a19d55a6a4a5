/** Small faults in PromQL: a regex that lost an alternative, a threshold that moved, a comparison turned round. */

import { parser } from '@prometheus-io/lezer-promql'

/** An expression with one fault. */
export type Mutant = { what: string; expr: string }

type Edit = readonly [from: number, to: number, text: string]

/** Thresholds that moved by so much must be noticed. */
const SCALES = [1.06, 0.94]

const COMPARISONS: Readonly<Record<string, readonly string[]>> = {
  Gtr: ['>=', '<'],
  Gte: ['>', '<'],
  Lss: ['<=', '>'],
  Lte: ['<', '>'],
  Eql: ['!='],
  Neq: ['=='],
  Div: ['*'],
  Sub: ['+'],
  Mul: ['/'],
  And: ['or'],
  Unless: ['and'],
  Or: ['and'],
}

const AGGREGATIONS: Readonly<Record<string, string>> = {
  sum: 'max',
  max: 'min',
  min: 'max',
  avg: 'sum',
  count: 'sum',
}

/** All expressions with one fault. */
export function mutantsOf(expr: string): Mutant[] {
  const edits: Edit[] = []
  // Variables of Grafana are no PromQL: each becomes a name of the same length that no query has.
  const parsed = expr.replace(/\$__rate_interval/g, (text) => `${'1'.padStart(text.length - 1, '0')}m`)
  parser.parse(parsed).iterate({
    enter({ name, from, to, node }) {
      const text = expr.slice(from, to)
      if (name === 'NumberDurationLiteral') edits.push(...numbers(from, to, text))
      else if (name === 'NumberDurationLiteralInDurationContext') edits.push(...durations(from, to, text))
      else if (name in COMPARISONS)
        for (const other of COMPARISONS[name]!) {
          // No measured value is exactly 0.05: only with whole numbers does it matter whether a bound belongs to it.
          const isTouch = other === `${text}=` || `${other}=` === text
          if (!isTouch || !hasFraction(expr, node)) edits.push([from, to, other])
        }
      else if (name === 'AggregateOp' && text in AGGREGATIONS) edits.push([from, to, AGGREGATIONS[text]!])
      else if (name === 'UnquotedLabelMatcher') edits.push(...matchers(expr, node))
      else if (name === 'GroupingLabels') edits.push(...groupings(from, text))
    },
  })
  return edits.map(([from, to, text]) => ({
    what: `${expr.slice(from, to)} -> ${text}`,
    expr: expr.slice(0, from) + text + expr.slice(to),
  }))
}

function hasFraction(expr: string, comparison: SyntaxNode): boolean {
  const after = comparison.nextSibling
  return after !== null && expr.slice(after.from, after.to).includes('.')
}

function numbers(from: number, to: number, text: string): Edit[] {
  const value = Number(text)
  if (Number.isNaN(value)) return []
  const others = value === 0 ? [1] : [...SCALES.map((scale) => Number((value * scale).toPrecision(6))), 0]
  return others.map((other) => [from, to, String(other)])
}

function durations(from: number, to: number, text: string): Edit[] {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(text) ?? []
  if (count === undefined) return []
  const seconds = Number(count) * SECONDS[unit!]!
  return [2 * seconds, seconds / 2].map((other) => [from, to, `${other}s`])
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** Each alternative of a regular expression is left out once; the kind of the match is turned round. */
function matchers(expr: string, node: SyntaxNode): Edit[] {
  const operator = node.getChild('MatchOp')!
  const value = node.getChild('StringLiteral')!
  const text = expr.slice(value.from + 1, value.to - 1)
  const isRegex = expr.slice(operator.from, operator.to).endsWith('~')
  const alternatives = isRegex ? text.split('|') : [text]
  const edits: Edit[] = []
  for (const left of alternatives) {
    const rest = alternatives.filter((each) => each !== left).join('|')
    edits.push([value.from + 1, value.to - 1, alternatives.length > 1 ? rest : 'nothing'])
  }
  const turned = { '=': '!=', '!=': '=', '=~': '!~', '!~': '=~' }
  const sign = expr.slice(operator.from, operator.to) as keyof typeof turned
  edits.push([operator.from, operator.to, turned[sign]])
  return edits
}

/** Each label that a result is grouped by is left out once. */
function groupings(from: number, text: string): Edit[] {
  return [...text.matchAll(/[a-z_]\w*/g)].map((label) => {
    const before = text.slice(0, label.index)
    const after = text.slice(label.index + label[0].length)
    const joined = `${before}${after}`
      .replace(/\(\s*,\s*/, '(')
      .replace(/,\s*,/, ',')
      .replace(/,\s*\)/, ')')
    return [from, from + text.length, joined]
  })
}

type SyntaxNode = ReturnType<typeof parser.parse>['topNode']
