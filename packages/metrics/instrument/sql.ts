/**
 * Reads the operation and the table out of a SQL statement of SQLite or PostgreSQL, for labels. Comments, strings and nested
 * queries do not count. A statement that does not tell its table for certain has none: better no label than a wrong one.
 */

interface Token {
  /** `word` is not quoted, `name` is (its text is unquoted here), `value` is a string, number or parameter. */
  kind: 'word' | 'name' | 'value' | 'sign'
  text: string
  /** Open parentheses before it. */
  depth: number
}

const SPACE = /\s+|--[^\n]*/y
const VALUE =
  /[uU]&"(?:[^"]|"")*"|[eE]'(?:[^'\\]|''|\\[^])*'|(?:[xXbBnN]|[uU]&)?'(?:[^']|'')*'|[:@$?#][\p{L}\p{N}_]+|\d[\w.]*/uy
const DOLLAR_QUOTE = /\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/uy
const QUOTED = /"(?:[^"]|"")*"|`(?:[^`]|``)*`/y
/** SQLite's brackets are names only in the place of one: PostgreSQL has arrays. */
const BRACKETED = /\[[^\]]*\]/y
const WORD = /[\p{L}_][\p{L}\p{N}_$]*/uy
const SIGN = /::|[^"'`]/y

const BEFORE_NAMES = new Set(['FROM', 'INTO', 'UPDATE', 'TABLE', 'ONLY', 'EXISTS', 'JOIN', 'PRAGMA', '.'])
const VERBS = new Set(['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'REPLACE', 'MERGE', 'VALUES', 'TABLE'])
/** Words that may stand between the one that announces a table and its name. */
const FILLERS = new Set(['ONLY', 'IF', 'NOT', 'EXISTS', 'TABLE'])
/** Words that no table is called without quotes. */
const NO_NAMES = new Set([...VERBS, 'LATERAL', 'ROWS', 'SET', 'WHERE', 'FROM', 'STDIN', 'WITH', 'DEFAULT'])

/** Operation and table: `['SELECT', 'dogs']`. A qualified table stays so: `main.dogs`. */
export function describe(sql: string): [operation: string, collection: string] {
  const [tokens, isWhole] = tokensOf(sql)
  const first = tokens.findIndex(({ text }) => text !== '(')
  const operation = tokens[first]?.kind === 'word' ? upper(tokens[first]) : ''
  if (operation !== 'WITH' && operation !== 'EXPLAIN')
    return [operation, isWhole ? collectionOf(tokens.slice(first)) : '']

  // The statement behind the common table expressions, or the one that is explained.
  const { depth } = tokens[first]!
  const verb = tokens.findIndex((token, i) => i > first && token.depth === depth && isWord(token, VERBS))
  const collection = isWhole && verb !== -1 ? collectionOf(tokens.slice(verb)) : ''
  const isExpression = tokens
    .slice(first, verb)
    .some((token) => isIdentifier(token) && token.text === collection)
  return [operation === 'WITH' ? upper(tokens[verb]) : operation, isExpression ? '' : collection]
}

/** @param tokens from the verb on */
function collectionOf(tokens: readonly Token[]): string {
  const [verb] = tokens
  const isAt = (token: Token) => token.depth === verb!.depth
  const end = tokens.findIndex((token) => token.depth < verb!.depth || (isAt(token) && token.text === ';'))
  const statement = end === -1 ? tokens : tokens.slice(0, end)
  const after = (word: string) => {
    const at = statement.findIndex(
      (token, i) => isAt(token) && isWord(token, word) && !isComparison(statement, i),
    )
    return at === -1 ? '' : nameAt(statement, at + 1, upper(verb) === 'SELECT')
  }
  switch (upper(verb)) {
    case 'SELECT':
    case 'DELETE':
      return after('FROM')
    case 'INSERT':
    case 'REPLACE':
    case 'MERGE':
      return after('INTO')
    case 'UPDATE':
      return nameAt(statement, isWord(statement[1], 'OR') ? 3 : 1)
    case 'PRAGMA':
    case 'TRUNCATE':
    case 'COPY':
      return nameAt(statement, 1)
    default:
      return after('TABLE')
  }
}

/** `a IS DISTINCT FROM b` names no table. */
const isComparison = (tokens: readonly Token[], at: number): boolean =>
  isWord(tokens[at - 1], 'DISTINCT') && (isWord(tokens[at - 2], 'IS') || isWord(tokens[at - 2], 'NOT'))

/** @param isQuery in which a name before a parenthesis is that of a function */
function nameAt(tokens: readonly Token[], from: number, isQuery = false): string {
  let at = from
  while (isWord(tokens[at], FILLERS) && isIdentifier(tokens[at + 1])) at++
  const parts: string[] = []
  for (;;) {
    const token = tokens[at]
    if (!isIdentifier(token) || isWord(token, NO_NAMES)) return ''
    parts.push(token!.text)
    if (tokens[at + 1]?.text !== '.' || tokens[at + 1]?.kind !== 'sign') break
    at += 2
  }
  const next = tokens[at + 1]
  const isFunction = isQuery && next?.text === '(' && next.kind === 'sign'
  const isOdd = next?.kind === 'value' || (next?.kind === 'sign' && !',()*=;'.includes(next.text))
  return isFunction || isOdd ? '' : parts.join('.')
}

const isIdentifier = (token: Token | undefined): boolean => token?.kind === 'word' || token?.kind === 'name'

const isWord = (token: Token | undefined, words: string | ReadonlySet<string>): boolean =>
  token?.kind === 'word' && (typeof words === 'string' ? words === upper(token) : words.has(upper(token)))

const upper = (token: Token | undefined): string => token?.text.toUpperCase() ?? ''

/** @returns the tokens without space and comments, and whether the statement could be read to its end. */
function tokensOf(sql: string): [tokens: Token[], isWhole: boolean] {
  const tokens: Token[] = []
  let depth = 0
  let at = 0
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const text = pattern.exec(sql)?.[0]
    at += text?.length ?? 0
    return text
  }
  while (at < sql.length) {
    if (match(SPACE) !== undefined) continue
    if (sql.startsWith('/*', at)) {
      at = endOfComment(sql, at)
      if (at === 0) return [tokens, false]
      continue
    }
    const quote = match(DOLLAR_QUOTE)
    if (quote !== undefined) {
      const end = sql.indexOf(quote, at)
      if (end === -1) return [tokens, false]
      at = end + quote.length
      tokens.push({ kind: 'value', text: quote, depth })
      continue
    }
    const token = nextToken(match, tokens.at(-1))
    if (!token) return [tokens, false]
    if (token.kind === 'sign' && token.text === ')') depth--
    tokens.push({ ...token, depth })
    if (token.kind === 'sign' && token.text === '(') depth++
  }
  return [tokens, true]
}

function nextToken(
  match: (pattern: RegExp) => string | undefined,
  last: Token | undefined,
): Pick<Token, 'kind' | 'text'> | undefined {
  const value = match(VALUE)
  if (value !== undefined) return { kind: 'value', text: value }
  const quoted = match(QUOTED)
  if (quoted !== undefined) {
    const mark = quoted[0]!
    return { kind: 'name', text: quoted.slice(1, -1).replaceAll(mark + mark, mark) }
  }
  const bracketed = last && BEFORE_NAMES.has(upper(last)) ? match(BRACKETED) : undefined
  if (bracketed !== undefined) return { kind: 'name', text: bracketed.slice(1, -1) }
  const word = match(WORD)
  if (word !== undefined) return { kind: 'word', text: word }
  const sign = match(SIGN)
  return sign === undefined ? undefined : { kind: 'sign', text: sign }
}

/**
 * Comments of PostgreSQL may contain comments, those of SQLite end at the first mark. Both are the same unless a comment
 * contains the mark of a beginning alone: then it ends at the first mark of an end.
 * @returns 0 when it does not end.
 */
function endOfComment(sql: string, from: number): number {
  let depth = 0
  for (const { index, 0: mark } of sql.slice(from).matchAll(/\/\*|\*\//g)) {
    depth += mark === '/*' ? 1 : -1
    if (depth === 0) return from + index + 2
  }
  const end = sql.indexOf('*/', from + 2)
  return end === -1 ? 0 : end + 2
}
