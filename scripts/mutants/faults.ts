/**
 * Finds the faults that can be put into a source text. Most come from Stryker's instrumenter; slips that it lacks are added here: an
 * `await` removed, a number moved by one, a statement dropped. Faults in texts and logs are left out, because no test should fix them.
 */
import { Instrumenter } from '@stryker-mutator/instrumenter'
import ts from 'typescript'
import type { Fault } from './mutant.ts'

/** A logger that has no level enabled. */
const QUIET = new Proxy({}, { get: () => () => false }) as ConstructorParameters<typeof Instrumenter>[0]

/** Calls whose effect is a text for the operator. */
const LOGS = /(^|[.#])(log|logger|console|emitWarning)\b/

/** A time that is one millisecond or second longer makes no difference that a test could see. */
const TIMES = /(ms|seconds|minutes)$/i

/** @throws Error when the text is not TypeScript */
export async function faultsOf(file: string, source: string): Promise<Fault[]> {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true)
  const texts: ts.Node[] = []
  const operands = new Set<string>()
  const faults: Fault[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isTypeNode(node)) return
    if (isText(node)) texts.push(node)
    if (ts.isBinaryExpression(node) && ts.isBinaryExpression(node.parent)) operands.add(place(tree, node))
    const fault = ownFault(node)
    if (fault) faults.push({ start: node.getStart(tree), end: node.end, ...fault })
    ts.forEachChild(node, visit)
  }
  visit(tree)
  for (const fault of await strykersFaults(file, source, tree)) {
    const isOperand = operands.has(`${fault.start}-${fault.end}`)
    faults.push(isOperand ? { ...fault, replacement: `(${fault.replacement})` } : fault)
  }
  const inText = ({ start, end }: Fault) =>
    texts.some((text) => text.getStart(tree) <= start && end <= text.end)
  const known = new Map(faults.filter((fault) => !inText(fault)).map((fault) => [nameOf(fault), fault]))
  return [...known.values()].toSorted((a, b) => a.start - b.start || a.end - b.end)
}

async function strykersFaults(file: string, source: string, tree: ts.SourceFile): Promise<Fault[]> {
  const { mutants } = await new Instrumenter(QUIET).instrument(
    [{ name: file, mutate: true, content: source }],
    { plugins: null, excludedMutations: ['StringLiteral'], ignorers: [], noHeader: true },
  )
  return mutants
    .filter(({ status, replacement }) => status !== 'Ignored' && !replacement.includes('Stryker was here'))
    .map(({ location: { start, end }, replacement, mutatorName }) => ({
      start: tree.getPositionOfLineAndCharacter(start.line, start.column),
      end: tree.getPositionOfLineAndCharacter(end.line, end.column),
      replacement,
      kind: mutatorName,
    }))
}

function ownFault(node: ts.Node): Pick<Fault, 'replacement' | 'kind'> | undefined {
  if (ts.isAwaitExpression(node)) return { replacement: node.expression.getText(), kind: 'AwaitRemoved' }
  if (ts.isNumericLiteral(node) && isBound(node))
    return { replacement: String(Number(node.text) + 1), kind: 'NumberMoved' }
  if (isDroppable(node)) return { replacement: ';', kind: 'StatementDropped' }
  return undefined
}

function isDroppable(node: ts.Node): boolean {
  if (ts.isReturnStatement(node)) return node.expression === undefined
  if (ts.isExpressionStatement(node)) return !/^super\b/.test(node.getText())
  return ts.isBreakStatement(node) || ts.isContinueStatement(node) || ts.isThrowStatement(node)
}

/** Names of properties are no bounds, nor are lengths of time and products that spell a unit, such as 1024 * 1024. */
function isBound(node: ts.NumericLiteral): boolean {
  const { parent } = node
  if (ts.isBinaryExpression(parent)) return !(isNumber(parent.left) && isNumber(parent.right))
  if (ts.isPropertyAssignment(parent) || ts.isVariableDeclaration(parent) || ts.isParameter(parent))
    return parent.initializer === node && !TIMES.test(parent.name.getText())
  return !ts.isEnumMember(parent)
}

const isNumber = (node: ts.Node): boolean =>
  ts.isNumericLiteral(node) || (ts.isBinaryExpression(node) && isNumber(node.left) && isNumber(node.right))

const isText = (node: ts.Node): boolean =>
  (ts.isCallExpression(node) &&
    LOGS.test(node.expression.getText()) &&
    !node.expression.getText().startsWith('Math.')) ||
  (ts.isNewExpression(node) && node.expression.getText().endsWith('Error'))

const place = (tree: ts.SourceFile, node: ts.Node): string => `${node.getStart(tree)}-${node.end}`

const nameOf = ({ start, end, replacement }: Fault): string => `${start}-${end} ${replacement}`
