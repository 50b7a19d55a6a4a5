/**
 * The layout of a segment, byte by byte. Offsets and lengths count words of 8 bytes; a word is a Float64, or two Int32 (low |
 * high) as below.
 *
 *   file    header (HEADER_WORDS), then two regions for each slot, then one of the master
 *     0     magic | layout version
 *     1     slots | words of a region
 *     2     pid of the master | 0
 *     3     boot identity: start time of the master in clock ticks, Float64
 *     4     pid namespace of the master, Float64; 0 where it is unknown
 *
 *   region  header (REGION_HEADER_WORDS), then entries, one after the other
 *     0     words of entries that are committed | entry of the default labels, 0 without
 *     2     events whose label set had no series of its own, Float64
 *     3     pid of the writer | low half of its start time; both change in one atomic store
 *     4     how often room was used again: an entry may have become another one since the count before | 0
 *     8     board: BOARD_WORDS for the process manager; the metrics never touch them
 *
 *   entry   header (ENTRY_HEADER_WORDS), then the payload, then the cells
 *     0     words of the entry, header included | kind: FAMILY, SERIES, LABELS or FREE (without the other header words)
 *     1     the family's entry (of a series) | live: 1, or 0 for a series that is not on the page
 *     2     bytes of payload | number of cells
 *
 * A family's payload is the JSON of its definition, a series' payload the JSON array of its label values, that of LABELS the JSON
 * of the region's default labels. The writer writes an
 * entry first and commits it then, by one atomic store of the region's first Int32; the cells of a committed entry change in
 * place. The cells are
 *     family      [epoch milliseconds of the last declaration]
 *     counter     [value]
 *     gauge       [value, 0 until it is set (not kept by aggregator sum), epoch milliseconds of the last set by mostrecent]
 *     histogram   [sum, one count for each bucket, +Inf last]
 *     summary     [sum, count]
 */
export const MAGIC = 0x4d_4e_55_42
export const LAYOUT_VERSION = 3
export const HEADER_WORDS = 8
const BOARD = 8
export const BOARD_WORDS = 512
export const REGION_HEADER_WORDS = BOARD + BOARD_WORDS
export const ENTRY_HEADER_WORDS = 3
export const WORD_BYTES = 8

/** Two regions for each slot, then the master's. */
export const regionCount = (slots: number): number => 2 * slots + 1

export const FAMILY = 1
export const SERIES = 2
export const LABELS = 3
export const FREE = 4

/** Three views of one memory: words, halves of words, bytes. */
export interface Memory {
  f64: Float64Array
  i32: Int32Array
  bytes: Uint8Array
}

export const memoryOf = (buffer: ArrayBuffer, byteOffset = 0, byteLength = buffer.byteLength): Memory => ({
  f64: new Float64Array(buffer, byteOffset, byteLength / WORD_BYTES),
  i32: new Int32Array(buffer, byteOffset, byteLength / 4),
  bytes: new Uint8Array(buffer, byteOffset, byteLength),
})

/** Start and length of a region, in words. */
export interface Region {
  readonly start: number
  readonly words: number
}

/** Entry and cells of a series, in words from the start of the memory. */
export interface Place {
  readonly at: number
  readonly cells: number
  readonly cellCount: number
}

export interface Entry extends Place {
  readonly kind: number
  /** Words. */
  readonly size: number
  readonly family: number
  readonly payload: number
  readonly payloadBytes: number
}

/** @param end behind the last committed word. @throws when there is no sound entry. */
export function entryAt({ i32 }: Memory, at: number, end: number): Entry {
  const half = at * 2
  const size = i32[half]!
  const kind = i32[half + 1]!
  const payload = at + ENTRY_HEADER_WORDS
  if (kind === FREE) {
    if (size < 1 || at + size > end) throw new RangeError('damaged room')
    return { at, kind, size, family: 0, payload, payloadBytes: 0, cells: at + size, cellCount: 0 }
  }
  const payloadBytes = i32[half + 4]!
  const cellCount = i32[half + 5]!
  const cells = payload + Math.ceil(payloadBytes / WORD_BYTES)
  const isSane =
    (kind === FAMILY || kind === SERIES || kind === LABELS) &&
    payloadBytes >= 0 &&
    cellCount >= 0 &&
    cells + cellCount === at + size &&
    at + size <= end
  if (!isSane) throw new RangeError('damaged entry')
  return { at, kind, size, family: i32[half + 2]!, payload, payloadBytes, cells, cellCount }
}

/** The first word of a region's entries, and the word behind the last one that is committed. */
export const entriesOf = ({ i32 }: Memory, { start }: Region): [first: number, end: number] => {
  const first = start + REGION_HEADER_WORDS
  return [first, first + Atomics.load(i32, start * 2)]
}

/**
 * Reads the committed entries of a region from word `from` (0: from the first). An entry for which `onEntry` throws counts
 * as damaged, like one whose lengths do not add up: the entries behind it are not read. Where a region says that it has more
 * entries than it has, no words behind the last one are an entry.
 * @returns the `from` of the next call, or -1 when an entry is damaged.
 */
export function readEntries(
  memory: Memory,
  region: Region,
  from: number,
  onEntry: (entry: Entry) => void,
): number {
  const [first, end] = entriesOf(memory, region)
  let at = first + from
  if (end < at) return -1
  try {
    while (at < end) {
      const entry = entryAt(memory, at, end)
      onEntry(entry)
      at += entry.size
    }
  } catch {
    return -1
  }
  return end - first
}

/** The word of a region's header that counts events without a series of their own. */
export const droppedCell = ({ start }: Region): number => start + 2

/** The word of a region's header that names the writer: see process/identity.ts. */
export const ownerOf = ({ f64 }: Memory, { start }: Region): BigInt64Array =>
  new BigInt64Array(f64.buffer, f64.byteOffset + (start + 3) * WORD_BYTES, 1)

/** The half word of a region's header that names the entry of its default labels. */
export const labelsHalf = ({ start }: Region): number => start * 2 + 1

/** The half word of a region's header that counts how often room was used again. */
export const reusesHalf = ({ start }: Region): number => (start + 4) * 2

/** The words of a region's header that belong to the process manager. */
export const boardOf = ({ f64 }: Memory, { start }: Region): Float64Array =>
  f64.subarray(start + BOARD, start + BOARD + BOARD_WORDS)

/** The place of a sound entry. */
export function placeAt({ i32 }: Memory, at: number): Place {
  const cellCount = i32[at * 2 + 5]!
  return { at, cells: at + i32[at * 2]! - cellCount, cellCount }
}

/** A series is on the page when it is live, or when it was removed and its kept child has counted since. */
export function isShown({ f64, i32 }: Memory, { at, cells, cellCount }: Place): boolean {
  if (i32[at * 2 + 3] === 1) return true
  for (let i = 0; i < cellCount; i++) if (f64[cells + i] !== 0) return true
  return false
}

/** Puts a series on the page; `hide` has set it to 0. */
export const show = ({ i32 }: Memory, at: number): void => {
  i32[at * 2 + 3] = 1
}

/** Takes a series off the page and sets it to 0. */
export function hide({ f64, i32 }: Memory, { at, cells, cellCount }: Place): void {
  i32[at * 2 + 3] = 0
  f64.fill(0, cells, cells + cellCount)
}

const decoder = new TextDecoder()

/** JSON, unless the file is damaged. */
export const readPayload = ({ bytes }: Memory, { payload, payloadBytes }: Entry): string =>
  decoder.decode(bytes.subarray(payload * WORD_BYTES, payload * WORD_BYTES + payloadBytes))
