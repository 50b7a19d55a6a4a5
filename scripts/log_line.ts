/** Formats JSON log lines for people. Other lines stay as they are. */

/** Keys that every line has; the others are printed as `key=value`. */
const KNOWN = new Set(['level', 'time', 'name', 'pid', 'msg'])

export function formatLine(line: string): string {
  const entry = parse(line)
  if (!entry) return line
  const details = Object.entries(entry)
    .filter(([key]) => !KNOWN.has(key))
    .map(([key, value]) => `${key}=${textOf(value)}`)
  const level = entry.level === 'info' ? [] : [String(entry.level)]
  return [...level, entry.msg, ...details].join(' ')
}

/** An error is its stack, which begins with its type and message. */
const textOf = (value: unknown): unknown =>
  typeof value === 'object' ? ((value as { stack?: string } | null)?.stack ?? JSON.stringify(value)) : value

/** The message of a JSON line; any other line as it is. */
const messageOf = (line: string): string => String(parse(line)?.msg ?? line)

/** Chooses from the lines of a process that ended the one that says why: the last fatal one, else the first error, else the last line. */
export class LastWords {
  #line = ''
  #rank = 0

  add(line: string): void {
    const rank = rankOf(line)
    if (rank < this.#rank || (rank === ERROR && this.#rank === ERROR)) return
    this.#line = line
    this.#rank = rank
  }

  get text(): string {
    return messageOf(this.#line)
  }
}

const [OTHER, ERROR, FATAL] = [0, 1, 2]

/** Bun itself writes an error that no code catches as `error: <message>`, between lines of code and its version. */
function rankOf(line: string): number {
  const level = parse(line)?.level
  if (level === 'fatal') return FATAL
  return level === 'error' || line.startsWith('error: ') ? ERROR : OTHER
}

function parse(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const entry = JSON.parse(line)
    return typeof entry.msg === 'string' ? entry : undefined
  } catch {
    return undefined
  }
}
