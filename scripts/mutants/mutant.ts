/** One small fault: what it replaces, how it is shown, and the name under which its result is kept. */

/** A replacement of a piece of a source text. */
export interface Fault {
  start: number
  end: number
  replacement: string
  /** The kind of fault, such as `EqualityOperator`. */
  kind: string
}

export interface Mutant extends Fault {
  /** The path from the root of the repository. */
  file: string
  /** From 1. */
  line: number
  /** The lines that the fault touches, without their breaks, before and after. Long pieces are shortened. */
  original: string
  mutated: string
  /** Names the fault in exactly this source text. */
  key: string
}

export function mutantOf(file: string, source: string, fault: Fault): Mutant {
  const { start, end, replacement } = fault
  const from = source.lastIndexOf('\n', start - 1) + 1
  const to = source.indexOf('\n', end) === -1 ? source.length : source.indexOf('\n', end)
  const shown = (piece: string) =>
    `${source.slice(from, start)}${shortened(piece)}${source.slice(end, to)}`.replaceAll(/\s+/g, ' ').trim()
  return {
    ...fault,
    file,
    line: source.slice(0, start).split('\n').length,
    original: shown(source.slice(start, end)),
    mutated: shown(replacement),
    key: hashOf(source, String(start), String(end), replacement),
  }
}

export const applied = (source: string, { start, end, replacement }: Fault): string =>
  source.slice(0, start) + replacement + source.slice(end)

export const hashOf = (...texts: readonly string[]): string => Bun.hash(texts.join('\0')).toString(36)

/** Keeps a block of many lines readable on one. */
function shortened(piece: string): string {
  const line = piece.replaceAll(/\s+/g, ' ')
  return line.length <= 120 ? line : `${line.slice(0, 80)} … ${line.slice(-30)}`
}

/**
 * Picks mutants of every file in proportion to the number that it has. The same seed picks the same mutants, also after other
 * lines of the file have changed.
 */
export function sampled(mutants: readonly Mutant[], size: number, seed: number): Mutant[] {
  const rank = ({ kind, original, mutated }: Mutant) => Bun.hash([kind, original, mutated].join('\0'), seed)
  const picked: Mutant[] = []
  let due = 0
  for (const ofFile of Map.groupBy(mutants, ({ file }) => file).values()) {
    due += (ofFile.length * Math.min(size, mutants.length)) / mutants.length
    const ranked = ofFile.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1))
    picked.push(...ranked.slice(0, Math.round(due) - picked.length))
  }
  return picked
}
