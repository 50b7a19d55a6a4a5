/** A list as CSV (RFC 4180), for clients that prefer it by `Accept`. */
import type { Pet } from '../model/pet.ts'

export const CSV = 'text/csv; charset=utf-8; header=present'

/** Whether a client prefers CSV to JSON, by the weights in `Accept` (RFC 9110 section 12.5.1). */
export function prefersCsv(accept: string | null): boolean {
  // Most clients do not name it.
  if (accept === null || !accept.toLowerCase().includes('text/csv')) return false
  const weights = new Map(
    accept.split(',').map((range) => {
      const [type, ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
      const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1'
      return [type, Number(weight)] as const
    }),
  )
  const json = weights.get('application/json') ?? weights.get('application/*') ?? weights.get('*/*') ?? 0
  const csv = weights.get('text/csv')!
  return csv > 0 && csv >= json
}

/** @param json an array of pets */
export function csvOf(json: string, columns: readonly string[]): string {
  const lines = (JSON.parse(json) as Pet[]).map((pet) => columns.map((column) => cell(pet[column])).join(','))
  return [columns.join(','), ...lines].map((line) => `${line}\r\n`).join('')
}

function cell(value: unknown): string {
  const text = String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
