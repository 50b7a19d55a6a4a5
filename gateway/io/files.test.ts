import { expect, test } from 'bun:test'
import { connectionsWithin, lacksFiles, openFileLimit } from './files.ts'

test.each([
  [1024, 16_384, 2048, 696],
  [1024, 16_384, 100, 828],
  [1024, 500, 2048, 500],
  [20_000, 16_384, 2048, 16_384],
  [100, 16_384, 2048, 3],
  [10, 16_384, 2048, 1],
  [Infinity, 16_384, 2048, 16_384],
])('of %d files, %d connections wanted, %d to upstreams: %d', (files, wanted, upstreams, connections) => {
  expect(connectionsWithin(files, wanted, upstreams)).toBe(connections)
})

test('this process has files left, and a limit', () => {
  expect(lacksFiles()).toBe(false)
  expect(openFileLimit()).toBeGreaterThan(100)
})
