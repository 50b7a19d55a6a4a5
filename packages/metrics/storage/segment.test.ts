/** The file that a cluster shares: its owner, the files that are refused, the files that are left behind. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Counter } from '../api/counter.ts'
import { BOARD_WORDS, HEADER_WORDS, LAYOUT_VERSION, REGION_HEADER_WORDS, WORD_BYTES } from './layout.ts'
import { identityOf, startTimeOf } from '../process/identity.ts'
import { Segment, type SegmentOptions } from './segment.ts'
import { removeStale, SegmentError } from './segment_file.ts'
import { help, REGION_BYTES, registersOf, segmentFolder, shown, work } from '../testdata/segments.ts'

/** Real processes on a machine that may be busy. */
setDefaultTimeout(120_000)

const { folder, create } = segmentFolder()

test('a process that opens the file sees the counts of its maker, and the other way round', () => {
  const made = create(3)
  const opened = Segment.open(made.path)
  expect([opened.path, opened.slots, opened.masterRegion]).toEqual([made.path, 3, 6])
  new Counter({ name: 'a_total', help, registers: registersOf(made, made.masterRegion) }).inc()
  new Counter({ name: 'a_total', help, registers: registersOf(opened, 0) }).inc(2)
  expect(shown(made)).toEqual({ a_total: 3 })
  expect(shown(opened)).toEqual({ a_total: 3 })
  made.remove()
  expect(existsSync(made.path)).toBe(false)
  expect(shown(opened)).toEqual({ a_total: 3 })
})

const REFUSED: readonly [name: string, spoil: (path: string) => void, message: string][] = [
  [
    'another layout',
    (path) => patch(path, 4, LAYOUT_VERSION + 1),
    `has layout ${LAYOUT_VERSION + 1}, this program reads ${LAYOUT_VERSION}: restart the master`,
  ],
  [
    'a foreign file',
    (path) => writeFileSync(path, 'a line of text\n'.repeat(100)),
    'is not a metrics segment',
  ],
  [
    'a file that is still being made',
    (path) => writeFileSync(path, new Uint8Array(REGION_BYTES)),
    'is not a metrics segment',
  ],
  [
    'a truncated file',
    (path) => truncateSync(path, REGION_BYTES),
    'is damaged: its size does not fit its header',
  ],
  [
    'a file that lacks a byte',
    (path) => truncateSync(path, readFileSync(path).length - 1),
    'is damaged: its size does not fit its header',
  ],
  [
    'a file that grew',
    (path) => truncateSync(path, readFileSync(path).length + 8),
    'is damaged: its size does not fit its header',
  ],
  [
    'a header without regions',
    (path) => truncateSync(path, HEADER_WORDS * WORD_BYTES),
    'is damaged: its size does not fit its header',
  ],
  [
    'half a header',
    (path) => truncateSync(path, HEADER_WORDS * WORD_BYTES - 1),
    'is too small to be a metrics segment',
  ],
  ['an empty file', (path) => truncateSync(path, 0), 'is too small to be a metrics segment'],
  ['no slots', (path) => patch(path, 8, 0), 'is damaged: its size does not fit its header'],
  [
    'slots that do not fit',
    (path) => patch(path, 8, 0x7fff_ffff),
    'is damaged: its size does not fit its header',
  ],
  ['negative slots', (path) => patch(path, 8, -3), 'is damaged: its size does not fit its header'],
  ['no words', (path) => patch(path, 12, 0), 'is damaged: its size does not fit its header'],
  ['negative words', (path) => patch(path, 12, -1), 'is damaged: its size does not fit its header'],
]
test.each(REFUSED)('%s is refused', (_, spoil, message) => {
  const { path } = create()
  spoil(path)
  expect(() => Segment.open(path)).toThrow(new SegmentError(`${path} ${message}`))
})

function patch(path: string, byte: number, value: number): void {
  const bytes = readFileSync(path)
  bytes.writeInt32LE(value, byte)
  writeFileSync(path, bytes)
}

test.each<[claim: string, options: SegmentOptions, why: string]>([
  ['a file that cannot be written to its end', { slots: 4 }, '.+'],
  ['a file that is larger than what is free', { slots: 1_000_000, regionBytes: 2 ** 30 }, '\\d+ are free'],
])('%s says how much is needed, and is not there', (claim, options, why) => {
  const home = join(folder, claim.replaceAll(' ', '-'))
  mkdirSync(home)
  const { bavail, bsize } = statfsSync(home)
  expect(Segment.bytesOf(options) > bavail * bsize).toBe(why !== '.+')
  const make = `import { Segment } from ${JSON.stringify(join(import.meta.dir, 'segment.ts'))}
    try { Segment.create('full', ${JSON.stringify(options)}, ${JSON.stringify(home)}) } catch (error) { console.log(error.name + ': ' + error.message) }`
  // No file of the process may have more than 2048 blocks.
  const limited = ['sh', '-c', `trap '' XFSZ; ulimit -f 2048; exec "$@"`, 'sh', process.execPath, '-e', make]
  expect(Bun.spawnSync(limited).stdout.toString()).toMatch(
    new RegExp(
      `^SegmentError: no room for the metrics segment: ${home}/bun-metrics-[0-9a-f]{8}-full-\\d+ needs ${Segment.bytesOf(options)} bytes \\(${why}\\): make room`,
    ),
  )
  expect(readdirSync(home)).toEqual([])
})

test('a segment without room for metrics is whole', () => {
  const { path } = create(1, 0)
  expect(Segment.open(path).path).toBe(path)
})

test('the size of a segment is that of its header and its regions', () => {
  const regionBytes = 1024 * 1024
  const bytes = (HEADER_WORDS + (2 * 4 + 1) * (REGION_HEADER_WORDS + regionBytes / WORD_BYTES)) * WORD_BYTES
  expect(Segment.bytesOf({ slots: 4 })).toBe(bytes)
})

test('files of dead masters are removed, those of living ones are not', () => {
  const home = join(folder, 'stale')
  mkdirSync(home)
  const dead = Bun.spawnSync([process.execPath, '-e', ''])
  const living = Segment.create('living', { slots: 1, regionBytes: REGION_BYTES }, home)
  const bytes = readFileSync(living.path)
  const reused = Buffer.from(bytes)
  reused.writeDoubleLE(reused.readDoubleLE(24) - 1, 24)
  const pathOf = (name: string, pid: number) => join(home, `bun-metrics-${name}-${pid}`)
  const kept: Record<string, Uint8Array> = {
    [living.path]: bytes,
    [pathOf('just-opened', process.ppid)]: new Uint8Array(),
    [pathOf('just-making', process.ppid)]: new Uint8Array(1024),
    [join(home, 'something-else')]: new Uint8Array(),
    [join(home, `bun-something-else-${dead.pid}`)]: new Uint8Array(),
  }
  const removed: Record<string, Uint8Array> = {
    [pathOf('dead', dead.pid)]: bytes,
    [pathOf('dead-making', dead.pid)]: new Uint8Array(),
    [pathOf('pid-of-another', process.pid)]: reused,
    [pathOf('own-pid-making', process.pid)]: new Uint8Array(1024),
    [pathOf('no-pid', NaN)]: bytes,
  }
  for (const [path, content] of Object.entries({ ...removed, ...kept })) writeFileSync(path, content)
  expect(removeStale(home).sort()).toEqual(Object.keys(removed).sort())
  expect(
    readdirSync(home)
      .map((file) => join(home, file))
      .sort(),
  ).toEqual(Object.keys(kept).sort())
  mkdirSync(pathOf('cannot-be-removed', dead.pid))
  expect(removeStale(home)).toEqual([])
})

test('a file of another pid namespace is left alone, with or without a process of its pid here', () => {
  const home = join(folder, 'namespaces')
  mkdirSync(home)
  const dead = Bun.spawnSync([process.execPath, '-e', ''])
  const { path } = Segment.create('here', { slots: 1, regionBytes: REGION_BYTES }, home)
  const namespace = statSync('/proc/self/ns/pid').ino
  const fileOf = (pid: number, ino: number) => {
    const bytes = readFileSync(path)
    bytes.writeInt32LE(pid, 16)
    // No process has half a tick for its start time. The parent may have started in the same tick as this one, or just before.
    bytes.writeDoubleLE(bytes.readDoubleLE(24) - 0.5, 24)
    bytes.writeDoubleLE(ino, 32)
    return bytes
  }
  const name = (index: number) => join(home, `bun-metrics-0000000${index}-there-1`)
  writeFileSync(name(1), fileOf(process.ppid, namespace + 1))
  writeFileSync(name(2), fileOf(dead.pid, namespace + 1))
  writeFileSync(name(3), fileOf(process.ppid, namespace))
  writeFileSync(name(4), fileOf(dead.pid, namespace))
  expect(removeStale(home).sort()).toEqual([name(3), name(4)])
})

test('a process removes the files that it made before it started anew, as with bun --watch', () => {
  const home = join(folder, 'watch')
  mkdirSync(home)
  const { path } = Segment.create('watched', { slots: 1, regionBytes: REGION_BYTES }, home)
  const past = join(home, `bun-metrics-00000000-watched-${process.pid}`)
  writeFileSync(past, readFileSync(path))
  expect(removeStale(home)).toEqual([past])
})

test('a pipe with the name of a segment does not keep a master from starting', () => {
  const home = join(folder, 'pipe')
  mkdirSync(home)
  Bun.spawnSync(['mkfifo', join(home, `bun-metrics-pipe-${process.ppid}`)])
  const start = `import { removeStale } from ${JSON.stringify(join(import.meta.dir, 'segment_file.ts'))}
    removeStale(${JSON.stringify(home)})`
  const { exitCode } = Bun.spawnSync([process.execPath, '-e', start], { timeout: 10_000 })
  expect(exitCode).toBe(0)
  expect(readdirSync(home)).toHaveLength(1)
})

test('the error names a folder that cannot hold a segment, and the remedy', () => {
  const nowhere = join(folder, 'nowhere')
  expect(() => Segment.create('lost', { slots: 1 }, nowhere)).toThrow(
    new SegmentError(
      `${nowhere} cannot hold the metrics segment (ENOENT: no such file or directory, scandir '${nowhere}'): make it a folder that this user can write to`,
    ),
  )
})

test('making segments and looking for stale ones leaves no file open', () => {
  const home = join(folder, 'open-files')
  mkdirSync(home)
  const files = () => readdirSync('/proc/self/fd').length
  const make = () => Segment.create('made', { slots: 1, regionBytes: REGION_BYTES }, home)
  make()
  const before = files()
  for (let count = 0; count < 20; count++) make()
  expect(files()).toBeLessThan(before + 10)
})

test('a master that starts removes the file of a killed one', () => {
  const home = join(folder, 'killed')
  mkdirSync(home)
  const make = `import { Segment } from ${JSON.stringify(join(import.meta.dir, 'segment.ts'))}
    Segment.create('killed', { slots: 1 }, ${JSON.stringify(home)}); process.kill(process.pid, 'SIGKILL')`
  Bun.spawnSync([process.execPath, '-e', make])
  expect(readdirSync(home)).toHaveLength(1)
  const { path } = Segment.create('next', { slots: 1, regionBytes: REGION_BYTES }, home)
  expect(readdirSync(home)).toEqual([path.slice(home.length + 1)])
})

test('a region has one writer at a time: a living one is not replaced, a dead one is', async () => {
  const segment = create()
  const code = `import { Segment } from ${JSON.stringify(join(import.meta.dir, 'segment.ts'))}
    Segment.open(${JSON.stringify(segment.path)}).writer(2)
    console.log('writing')
    process.stdin.on('end', () => process.exit()).resume()`
  const worker = Bun.spawn([process.execPath, '-e', code], { stdin: 'pipe', stdout: 'pipe' })
  try {
    await worker.stdout.getReader().read()
    expect(() => segment.writer(2)).toThrow(
      new SegmentError(`${segment.path}: region 2 already has a writer, pid ${worker.pid}`),
    )
    segment.writer(3)
    const second = Bun.spawnSync([process.execPath, '-e', code])
    expect(second.exitCode).toBe(1)
    expect(second.stderr.toString()).toContain(`region 2 already has a writer, pid ${worker.pid}`)
  } finally {
    worker.kill('SIGKILL')
    await worker.exited
  }
  segment.writer(2)
  segment.writer(2)
})

test('a process that only has the pid of a dead writer does not keep its region', async () => {
  const segment = create()
  const { buffer, byteOffset } = Bun.mmap(segment.path, { shared: true })
  const owner = new BigInt64Array(buffer, byteOffset + (HEADER_WORDS + 3) * WORD_BYTES, 1)
  segment.writer(0)
  expect(owner[0]).toBe(identityOf(process.pid))

  const stranger = Bun.spawn(['cat'], { stdin: 'pipe' })
  const { pid } = stranger
  owner[0] = identityOf(pid, startTimeOf(pid)! - 1)
  segment.writer(0)
  owner[0] = identityOf(pid)
  expect(() => segment.writer(0)).toThrow(`region 0 already has a writer, pid ${pid}`)
  stranger.kill()
  await stranger.exited
  segment.writer(0)
})

test('there are no other regions', () => {
  const segment = create(2)
  for (const region of [-1, 5, NaN])
    expect(() => segment.writer(region)).toThrow(
      new RangeError(`${segment.path} has the regions 0 to 4, not ${region}`),
    )
})

test('the board of a region is 0 at first, and outlives its writer', async () => {
  const segment = create()
  const words = Array.from({ length: BOARD_WORDS }, (_, word) => word + 0.5)
  const boards = Array.from({ length: segment.masterRegion + 1 }, (_, region) => segment.board(region))
  for (const board of boards) expect([...board]).toEqual(words.map(() => 0))

  const worker = `import { Segment } from ${JSON.stringify(join(import.meta.dir, 'segment.ts'))}
    const segment = Segment.open(${JSON.stringify(segment.path)})
    segment.writer(2)
    segment.board(2).set(${JSON.stringify(words)})
    process.kill(process.pid, 'SIGKILL')`
  expect(Bun.spawnSync([process.execPath, '-e', worker]).signalCode).toBe('SIGKILL')
  work(segment, 2)('/')
  segment.clearGauges(2)
  expect(boards.map((board) => [...board])).toEqual(
    boards.map((_, region) => words.map((word) => (region === 2 ? word : 0))),
  )
})

test('boards are on no page, and counts on no board', () => {
  const segment = create()
  const boards = Array.from({ length: segment.masterRegion + 1 }, (_, region) => segment.board(region))
  for (const board of boards) board.fill(NaN)
  for (let region = 0; region < boards.length; region++) work(segment, region)('/')
  expect(shown(Segment.open(segment.path))).toMatchObject({ 'a_total{route="/"}': 5, d_count: 5 })
  expect(boards.every((board) => board.every(Number.isNaN))).toBe(true)
})
