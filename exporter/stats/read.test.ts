/** What reading a document costs, and how long it may be. Targets of all kinds are in scrape.test.ts and hostile.test.ts. */
import { afterEach, expect, spyOn, test } from 'bun:test'
import { parseTarget } from '../config/target.ts'
import { MAX_BYTES, Targets } from '../testing.ts'
import { DocumentMemory } from './document_memory.ts'
import { readDocument } from './read.ts'

const targets = new Targets()
afterEach(() => targets.close())

const LIMIT_BYTES = 100_000

test.each(['tcp', 'http'] as const)(
  'over %s a response may be as long as the limit, and after its reading no memory is held',
  async (kind) => {
    const head = kind === 'http' ? 'HTTP/1.1 200 OK\r\n\r\n' : ''
    const memory = new DocumentMemory(LIMIT_BYTES)
    const { signal } = new AbortController()
    const read = async (bytes: number) => {
      const response = head.padEnd(bytes, 'x')
      const target = parseTarget(await targets[kind]((socket) => socket.end(response)))!
      return readDocument(target, { signal, memory }).finally(() => expect(memory.heldBytes).toBe(0))
    }
    expect(await read(LIMIT_BYTES)).toHaveLength(LIMIT_BYTES - head.length)
    await expect(read(LIMIT_BYTES + 1)).rejects.toThrow(`the response is longer than ${LIMIT_BYTES} bytes`)
  },
)

const PIECE_BYTES = 64 * 1024

test('the memory of what a connection has received is given back at once, and not when garbage is collected', async () => {
  const document = 'x'.repeat(1_000_000)
  const freed: number[] = []
  const { transfer } = ArrayBuffer.prototype
  const spy = spyOn(ArrayBuffer.prototype, 'transfer').mockImplementation(function (
    this: ArrayBuffer,
    bytes,
  ) {
    freed.push(this.byteLength)
    return transfer.call(this, bytes)
  })
  const target = parseTarget(await targets.tcp((socket) => socket.end(document)))!
  const { signal } = new AbortController()
  expect(await readDocument(target, { signal, memory: new DocumentMemory(MAX_BYTES) })).toBe(document)
  spy.mockRestore()
  // The others are the pieces that hold the document.
  const received = freed.filter((bytes) => bytes !== PIECE_BYTES)
  expect(received.reduce((sum, bytes) => sum + bytes, 0)).toBeGreaterThanOrEqual(document.length)
})
