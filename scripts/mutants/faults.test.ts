import { expect, test } from 'bun:test'
import { faultsOf } from './faults.ts'
import { applied, mutantOf } from './mutant.ts'

/** The source text with each fault in turn. */
const mutatedBy = async (source: string, kind: string): Promise<string[]> =>
  (await faultsOf('a.ts', source))
    .filter((fault) => fault.kind === kind)
    .map((fault) => applied(source, fault))

test.each([
  ['AwaitRemoved', 'await stop()', ['stop()']],
  ['AwaitRemoved', 'for await (const line of lines) use(line)', []],
  ['NumberMoved', 'const most = 9', ['const most = 10']],
  ['NumberMoved', 'take(0)', ['take(1)']],
  ['NumberMoved', 'x = n > 1_000', ['x = n > 1001']],
  ['NumberMoved', 'const LIMIT_MS = 9', []],
  ['NumberMoved', 'const CHUNK = 1024 * 1024 * 4', []],
  ['NumberMoved', 'type Two = 2', []],
  ['NumberMoved', 'const names = { 1: one }', []],
  ['StatementDropped', 'this.n++', [';']],
  ['StatementDropped', 'await this.touch(1)', [';']],
  ['StatementDropped', 'const f = () => { if (a) return }', ['const f = () => { if (a) ; }']],
  ['StatementDropped', 'const f = () => { if (a) return b }', []],
  ['StatementDropped', 'for (;;) break', ['for (;;) ;']],
  ['StatementDropped', 'throw a', [';']],
  ['StatementDropped', 'class A extends B { constructor() { super() } }', []],
  ['EqualityOperator', 'const x = a < b', ['const x = a <= b', 'const x = a >= b']],
  ['LogicalOperator', 'const x = a && b && c', ['const x = (a || b) && c', 'const x = a && b || c']],
  ['ArrayDeclaration', 'x = [1]', ['x = []']],
  ['ArrayDeclaration', 'x = []', []],
])('%s in %p', async (kind, source, expected) => {
  expect((await mutatedBy(source, kind)).toSorted()).toEqual(expected.toSorted())
})

test.each([
  ["this.log.warn({ n: a + 1 }, 'b')"],
  ["logger.info('a', b > 1)"],
  ['log(n + 1)'],
  ['console.error(a || b)'],
  ['process.emitWarning(`${n + 1}`)'],
  ["import { a } from 'b'"],
  ['interface A { n: 1 | 2 }'],
  ["const name = 'text'"],
])('no fault is put into %p', async (source) => {
  expect(await faultsOf('a.ts', source)).toEqual([])
})

test('the text of an error is left as it is, but the error itself is not', async () => {
  expect(await faultsOf('a.ts', 'if (a) throw new RangeError(`${n + 1}`)')).toMatchObject([
    { kind: 'ConditionalExpression' },
    { kind: 'ConditionalExpression' },
    { replacement: ';' },
  ])
})

test('Math.log is no log', async () => {
  expect(await mutatedBy('x = Math.log(a + b)', 'ArithmeticOperator')).toEqual(['x = Math.log(a - b)'])
})

test('the same fault is found once, also where two ways lead to it', async () => {
  const faults = await faultsOf('a.ts', 'stop()')
  expect(faults).toHaveLength(1)
})

test('a mutant shows the whole line before and after, and its number', () => {
  const source = 'a()\n  b(1, 2)\nc()'
  const start = source.indexOf('2')
  expect(mutantOf('f/a.ts', source, { start, end: start + 1, replacement: '3', kind: 'K' })).toMatchObject({
    file: 'f/a.ts',
    line: 2,
    original: 'b(1, 2)',
    mutated: 'b(1, 3)',
  })
})

test('a long block is shortened, and stays apart from others', () => {
  const block = `{\n${'  call()\n'.repeat(30)}}`
  const source = `function f() ${block}\n`
  const fault = {
    start: source.indexOf('{'),
    end: source.length - 1,
    replacement: '{}',
    kind: 'BlockStatement',
  }
  const { original, mutated } = mutantOf('a.ts', source, fault)
  expect(original).toStartWith('function f() { call() call()')
  expect(original.length).toBeLessThan(140)
  expect(mutated).toBe('function f() {}')
})
