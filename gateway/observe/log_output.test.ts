import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { piecesOf } from './log_output.ts'

const line = (length: number) => `${'x'.repeat(length - 1)}\n`

test.each<[string, number[], number[]]>([
  ['what fits is one piece', [10, 20], [30]],
  ['a piece ends where a line does', [2000, 2000, 2000], [4000, 6000]],
  ['exactly the bytes of a pipe', [2048, 2048, 1], [4096, 4097]],
  ['a line that is too long is a piece of its own', [10, 9000, 10], [10, 9010, 9020]],
  ['nothing', [], []],
])('%s', (_, lengths, ends) => {
  expect(piecesOf(Buffer.from(lengths.map(line).join('')))).toEqual(ends)
})

const program = `
  import { writeLines } from ${JSON.stringify(join(import.meta.dir, 'log_output.ts'))}
  for (let i = 0; i < 200; i++) writeLines((process.argv[1].repeat(70) + '\\n').repeat(100))`

test('an output that cannot be written is reported once on standard error, and stops no request', async () => {
  const command = ['sh', '-c', '"$0" -e "$1" a > /dev/full', process.execPath, program]
  const writer = Bun.spawn(command, { stderr: 'pipe' })
  const said = await new Response(writer.stderr).text()
  expect(said).toMatch(/^the access log cannot be written: ENOSPC.*: its lines are lost until it can be\n$/)
  expect(await writer.exited).toBe(0)
})

test('an output that could be written meanwhile is reported again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'log-'))
  const fills = `
    import { truncateSync } from 'node:fs'
    import { writeLines } from ${JSON.stringify(join(import.meta.dir, 'log_output.ts'))}
    for (let i = 0; i < 2; i++) {
      for (let line = 0; line < 20; line++) writeLines('x'.repeat(99_999) + '\\n')
      truncateSync(process.argv[1])
      writeLines('back\\n')
    }`
  // The file may have a megabyte, in blocks of 512 bytes.
  const limited = `trap '' XFSZ; ulimit -f 2048; exec "$0" -e "$1" "$2" >> "$2"`
  const command = ['sh', '-c', limited, process.execPath, fills, join(folder, 'log')]
  const writer = Bun.spawn(command, { stderr: 'pipe' })
  const said = (await new Response(writer.stderr).text()).trimEnd().split('\n')
  const log = await Bun.file(join(folder, 'log')).text()
  rmSync(folder, { recursive: true })
  expect(said).toEqual(Array(2).fill(expect.stringContaining('the access log cannot be written: EFBIG')))
  expect(log).toBe('back\n')
})

const shell = ['a', 'b', 'c'].map((letter) => `"$0" -e "$1" ${letter} &`).join(' ')

test.each([
  ['pipe', '| cat'],
  ['file', '> "$2"; cat "$2"'],
])('lines of processes that share a %s are whole', async (_, reading) => {
  const folder = mkdtempSync(join(tmpdir(), 'log-'))
  const command = [
    'sh',
    '-c',
    `{ ${shell} wait; } ${reading}`,
    process.execPath,
    program,
    join(folder, 'log'),
  ]
  const writers = Bun.spawn(command, { stdout: 'pipe' })
  const lines = (await new Response(writers.stdout).text()).trimEnd().split('\n')
  rmSync(folder, { recursive: true })
  expect(lines).toHaveLength(3 * 200 * 100)
  expect(lines.filter((each) => !/^(a{70}|b{70}|c{70})$/.test(each))).toEqual([])
})
