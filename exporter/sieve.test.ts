/** Documents cut into pieces anywhere must come out as if the lists had been replaced by their lengths. */
import { describe, expect, test } from 'bun:test'
import { randomFrom } from '@bun-monitoring/metrics/testing'
import { Sieve } from './sieve.ts'

function sieved(pieces: readonly Uint8Array[], name = 'cores'): string {
  const kept: Buffer[] = []
  const sieve = new Sieve(name, (bytes) => kept.push(Buffer.from(bytes)))
  for (const piece of pieces) sieve.push(Buffer.from(piece))
  sieve.end()
  return Buffer.concat(kept).toString()
}

const whole = (text: string, name?: string) => sieved([Buffer.from(text)], name)

describe('a list is replaced by its number of objects', () => {
  test.each([
    ['{"cores":[]}', '{"cores":0}'],
    ['{"cores":[ {"id":0}, {"id":1,"vars":["]}"]} ]}', '{"cores":2}'],
    ['{"cores":[{"a":"\\"]"},{"b":"\\\\"}],"id":1}', '{"cores":2,"id":1}'],
    ['[{"cores":[{}]},{"cores":[{},[],{}]}]', '[{"cores":1},{"cores":3}]'],
    ['{"cores":[{"cores":[{},{}]}]}', '{"cores":1}'],
    // The name ends in an escaped quote: whose list it is makes no difference to what is JSON.
    ['{"a\\"cores":[{}]}', '{"a\\"cores":1}'],
  ])('%s', (text, expected) => {
    expect(whole(text)).toBe(expected)
  })
})

describe('everything else passes as it is', () => {
  test.each([
    '',
    '{"cores":5,"core":[{}],"cores ":[1]}',
    '{"name":"\\"cores\\":[{"}',
    '{"cores": [{}]}',
    '["cores",[1]]',
    'no JSON "cores":',
    '{"cor',
  ])('%j', (text) => {
    expect(whole(text)).toBe(text)
  })
})

test('a list that does not end leaves what is no JSON', () => {
  expect(whole('{"cores":[{"id":1}')).toBe('{"cores":')
})

test('bytes that are no JSON are of no account within a list', () => {
  const bytes = Buffer.concat([
    Buffer.from('{"vars":["A='),
    Buffer.from([0xff, 0x01, 0x00, 0xc3]),
    Buffer.from('"]}'),
  ])
  expect(sieved([bytes], 'vars')).toBe('{"vars":0}')
})

test('any document cut anywhere gives what the whole one gives', () => {
  const seed = Date.now() % 1_000_000
  console.log(`seed ${seed}`)
  const random = randomFrom(seed)
  for (let round = 0; round < 300; round++) {
    const document = randomDocument(random, 4)
    const bytes = Buffer.from(JSON.stringify(document))
    const pieces: Buffer[] = []
    for (let at = 0; at < bytes.length;) {
      const length = 1 + Math.floor(random() ** 3 * 40)
      pieces.push(bytes.subarray(at, at + length))
      at += length
    }
    expect(JSON.parse(sieved(pieces))).toEqual(withoutLists(document))
  }
})

const withoutLists = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutLists)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      key === 'cores' && Array.isArray(each)
        ? each.filter((item) => typeof item === 'object' && item !== null).length
        : withoutLists(each),
    ]),
  )
}

function randomDocument(random: () => number, depth: number): unknown {
  const texts = ['"', '\\', '[]{}', 'cores', '":[', 'é\u{1F600}', '\\"', '']
  const some = () => Math.floor(random() * 4)
  const kind = depth === 0 ? some() % 2 : some()
  if (kind === 0) return Math.floor(random() * 1e6)
  if (kind === 1) return texts[Math.floor(random() * texts.length)]
  const children = Array.from({ length: some() }, () => randomDocument(random, depth - 1))
  if (kind === 2) return children
  const names = ['cores', 'id', 'cor"es', 'cores\\']
  return Object.fromEntries([...children.entries()].map(([i, child]) => [names[i], child]))
}
