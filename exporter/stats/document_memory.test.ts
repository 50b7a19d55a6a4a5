/** Documents that grow side by side within one limit. */
import { expect, spyOn, test } from 'bun:test'
import { DocumentMemory } from './document_memory.ts'

const MEBIBYTE = 1024 * 1024
const filler = (bytes: number) => new Uint8Array(bytes).fill(0x61)

const LOST = 'memory is short, and its response is the longest of those that are being read'

function documents(limitBytes: number) {
  const memory = new DocumentMemory(limitBytes)
  return { memory, one: memory.open(), other: memory.open() }
}

test('the text is what was appended, and bytes that are not UTF-8 are replaced', () => {
  const { one } = documents(MEBIBYTE)
  for (const piece of [Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')]) one.append(piece)
  expect(one.text()).toBe('{"a":"\ufffd"}')
})

test('bytes at the end that are only the beginning of a character are replaced, too', () => {
  const { one } = documents(MEBIBYTE)
  one.append(Buffer.from('ä').subarray(0, 1))
  expect(one.text()).toBe('\ufffd')
})

test('when memory is short, the longest document is dropped, and the others are read', () => {
  const { one: small, other: large } = documents(MEBIBYTE)
  small.append(filler(1000))
  large.append(filler(700_000))
  small.append(filler(400_000))
  expect(small.text()).toHaveLength(401_000)
  expect(() => large.append(filler(1))).toThrow(LOST)
  expect(() => large.text()).toThrow(LOST)
})

test('an endless document is dropped alone, and then holds no memory', () => {
  const { one: small, other: endless, memory } = documents(MEBIBYTE)
  small.append(filler(10))
  expect(() => {
    for (;;) endless.append(filler(100_000))
  }).toThrow(LOST)
  expect(memory.heldBytes).toBe(small.heldBytes)
})

test('one document may use all of the memory', () => {
  const { one } = documents(MEBIBYTE)
  for (let i = 0; i < 8; i++) one.append(filler(MEBIBYTE / 8))
  expect(one.text()).toHaveLength(MEBIBYTE)
})

test('released memory is free for the next document', () => {
  const { one, other, memory } = documents(MEBIBYTE)
  for (const document of [one, other]) {
    document.append(filler(900_000))
    document.release()
  }
  expect(memory.heldBytes).toBe(0)
})

test('the memory of a released document is given back at once, and not when garbage is collected', () => {
  const { one } = documents(MEBIBYTE)
  const transfer = spyOn(ArrayBuffer.prototype, 'transfer')
  one.append(filler(100_000))
  one.release()
  // Of each of its two pieces.
  expect(transfer.mock.calls).toEqual([[0], [0]])
  for (const buffer of transfer.mock.contexts as ArrayBuffer[]) expect(buffer.detached).toBe(true)
  transfer.mockRestore()
})

test('a limit that is no whole number of pieces has room for a document of its size', () => {
  const { one, other } = documents(100_000)
  one.append(filler(100_000))
  expect(one.text()).toHaveLength(100_000)
  other.append(filler(1))
  expect(() => one.text()).toThrow(LOST)
})

test('a character whose bytes are in two pieces is whole', () => {
  const { one } = documents(MEBIBYTE)
  const before = 64 * 1024 - 1
  one.append(filler(before))
  one.append(Buffer.from('äb'))
  expect(one.text().slice(before)).toBe('äb')
})

test('a released document is empty, and what it takes later does not count', () => {
  const { one, memory } = documents(MEBIBYTE)
  one.append(filler(70_000))
  one.release()
  expect(one.heldBytes).toBe(0)
  one.append(filler(10))
  expect(one.text()).toHaveLength(10)
  expect(memory.heldBytes).toBe(0)
})
