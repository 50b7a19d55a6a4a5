import { expect, test } from 'bun:test'
import { linesOf } from './split_lines.ts'

async function linesIn(...chunks: Uint8Array[]): Promise<string[]> {
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
  return Array.fromAsync(linesOf(stream))
}
const bytes = (text: string) => new TextEncoder().encode(text)

test.each<[string, Uint8Array[], string[]]>([
  ['nothing', [], []],
  ['lines of one piece', [bytes('a\nb\n')], ['a', 'b']],
  ['a line of several pieces', [bytes('a'), bytes('b'), bytes('c\nd')], ['abc', 'd']],
  ['empty lines', [bytes('\n\na\n')], ['', '', 'a']],
  ['a character in two pieces', [bytes('ä').subarray(0, 1), bytes('ä\n').subarray(1)], ['ä']],
])('%s', async (_, chunks, lines) => expect(await linesIn(...chunks)).toEqual(lines))
