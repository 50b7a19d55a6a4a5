/** Formats JSON log lines for people. Other lines stay as they are. */

/** Keys that every line has; the others are printed as `key=value`. */
const KNOWN = new Set(['level', 'time', 'name', 'pid', 'msg'])

export function formatLine(line: string): string {
  const entry = parse(line)
  if (!entry) return line
  const details = Object.entries(entry)
    .filter(([key]) => !KNOWN.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'object' ? JSON.stringify(value) : value}`)
  const level = entry.level === 'info' ? [] : [String(entry.level)]
  return [...level, entry.msg, ...details].join(' ')
}

/** The message of a JSON line; any other line as it is. */
export const messageOf = (line: string): string => String(parse(line)?.msg ?? line)

function parse(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const entry = JSON.parse(line)
    return typeof entry.msg === 'string' ? entry : undefined
  } catch {
    return undefined
  }
}
