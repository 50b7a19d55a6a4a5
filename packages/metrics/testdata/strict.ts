/** For tests of pages: a parser that refuses a page that Prometheus would refuse. */

const LABEL = String.raw`[a-zA-Z_]\w*="[^"\\\n]*(?:\\["\\n][^"\\\n]*)*"`
const SAMPLE = new RegExp(String.raw`^([a-zA-Z_:][\w:]*)(?:\{(${LABEL}(?:,${LABEL})*)\})? (\S+)$`)
const SUFFIXES: Record<string, readonly string[]> = {
  counter: [''],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['_sum', '_count'],
}

/**
 * Values of a page in text format 0.0.4, by name and labels as they are written.
 * @throws Error with the line that breaks the page
 */
export function samplesOf(page: string): Map<string, number> {
  const samples = new Map<string, number>()
  const names = new Set<string>()
  let allowed: string[] = []
  if (!page.endsWith('\n')) throw new Error('the last line has no end')
  for (const line of page.slice(0, -1).split('\n')) {
    if (line === '' || line.startsWith('# HELP ')) continue
    const [, family, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? []
    if (family !== undefined) {
      if (names.has(family)) throw new Error(`twice: ${line}`)
      names.add(family)
      allowed = SUFFIXES[type!]!.map((suffix) => family + suffix)
      continue
    }
    const [, name, labels, text] = SAMPLE.exec(line) ?? []
    if (name === undefined) throw new Error(`no sample: ${line}`)
    if (!allowed.includes(name)) throw new Error(`outside its family: ${line}`)
    const key = labels === undefined ? name : `${name}{${labels}}`
    if (samples.has(key)) throw new Error(`twice: ${line}`)
    samples.set(key, valueOf(text!))
  }
  return samples
}

function valueOf(text: string): number {
  if (text === 'NaN') return NaN
  const value = Number(text.replace(/Inf$/, 'Infinity'))
  if (Number.isNaN(value)) throw new Error(`no number: ${text}`)
  return value
}
