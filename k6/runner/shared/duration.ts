/** Durations as k6 writes them: `500ms`, `15s`, `1m30s`, `2h`. */

const MS_OF: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 }

/** @throws TypeError when the text is not a duration. */
export function millisecondsOf(text: string): number {
  if (!/^(\d+(\.\d+)?(h|ms|m|s))+$/.test(text))
    throw new TypeError(`"${text}" is not a duration: write it as 30s, 1m30s or 500ms`)
  return [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g)].reduce(
    (sum, [, number, unit]) => sum + Number(number) * MS_OF[unit!]!,
    0,
  )
}

/** Minutes and seconds for people, such as `3:05`. */
export function clockOf(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
