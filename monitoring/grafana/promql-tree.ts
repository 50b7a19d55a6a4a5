/**
 * The selectors of a PromQL query, read from its syntax tree. dashboards.test.ts and others check rules on them.
 */

import { parser } from '@prometheus-io/lezer-promql'

/** One use of a series in a query. */
type Selector = {
  metric: string
  /** Names of the labels in its matchers. */
  labels: string[]
  /** Names of the functions that enclose it, the innermost first. */
  functions: string[]
}

/**
 * All selectors of a query, from left to right.
 * @throws SyntaxError when the query does not parse; the message has the position
 */
export function selectorsOf(query: string): Selector[] {
  const tree = parser.parse(query)
  const selectors: Selector[] = []
  tree.iterate({
    enter({ type, from, node }) {
      if (type.isError) throw new SyntaxError(`not PromQL at "${query.slice(from)}" in: ${query}`)
      if (type.name === 'VectorSelector') selectors.push(selectorAt(node))
    },
  })
  return selectors

  function textOf(node: SyntaxNode | null): string {
    return node === null ? '' : query.slice(node.from, node.to)
  }

  function selectorAt(node: SyntaxNode): Selector {
    const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? []
    return {
      metric: textOf(node.getChild('Identifier')),
      labels: matchers.map((matcher) => textOf(matcher.getChild('LabelName'))),
      functions: ancestorsOf(node, 'FunctionCall').map((call) => textOf(call.getChild('FunctionIdentifier'))),
    }
  }
}

function ancestorsOf(node: SyntaxNode, name: string): SyntaxNode[] {
  const found: SyntaxNode[] = []
  for (let parent = node.parent; parent !== null; parent = parent.parent) {
    if (parent.name === name) found.push(parent)
  }
  return found
}

type SyntaxNode = ReturnType<typeof parser.parse>['topNode']
