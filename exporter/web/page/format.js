/** Figures as text. JSON has no undefined: an unknown figure is missing or null, and its text is a dash. */

export const isKnown = (value) => Number.isFinite(value)

export const amount = (value, digits = 0, unit = '') =>
  isKnown(value) ? value.toLocaleString('en', { maximumFractionDigits: digits }) + unit : '–'

export const rate = (value) => amount(value, isKnown(value) && value < 10 ? 2 : 0)

export const percent = (share) => {
  if (!isKnown(share)) return '–'
  const value = share * 100
  // All or none only if it is so.
  const text = share === 0 || share === 1 ? value : Math.min(99.9, Math.max(0.1, value))
  return amount(text, text < 10 ? 1 : 0, ' %')
}

export const seconds = (value) => {
  if (!isKnown(value)) return '–'
  if (value === 0) return '0'
  if (value >= 1) return amount(value, 1, ' s')
  const ms = value * 1000
  return amount(ms, ms < 10 ? 2 : ms < 100 ? 1 : 0, ' ms')
}

export const bytes = (value) => amount(value / 2 ** 20, 0, ' MiB')

export const cores = (value) => amount(value * 100, 0, ' %')

export const clock = (ms) => new Date(ms).toLocaleTimeString('en-GB')

export const plural = (number, word) => `${amount(number)} ${word}${number === 1 ? '' : 's'}`

export const share = (red) =>
  red && isKnown(red.requestsPerSecond) && red.requestsPerSecond > 0
    ? Math.min(1, red.errorsPerSecond / red.requestsPerSecond)
    : undefined

/** `2 (crash 1, reload 1)` */
export function restarts(count, exits) {
  const why = Object.entries(exits)
    .filter(([, times]) => times > 0)
    .map(([reason, times]) => `${reason.replaceAll('_', ' ')} ${times}`)
    .join(', ')
  return amount(count) + (why ? ` (${why})` : '')
}
