/** Reads samples from a page of the Prometheus text format 0.0.4. */

export interface Sample {
  name: string
  labels: Readonly<Record<string, string>>
  value: number
}

const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g

/** The samples with one of these names; other lines are skipped without being parsed. */
export function samplesOf(page: string, names: ReadonlySet<string>): Sample[] {
  const samples: Sample[] = []
  for (let from = 0; from < page.length;) {
    const lineEnd = page.indexOf('\n', from)
    const line = page.slice(from, lineEnd === -1 ? page.length : lineEnd)
    from += line.length + 1
    const name = /^\w+/.exec(line)?.[0]
    if (name !== undefined && names.has(name)) samples.push(sampleOf(line, name))
  }
  return samples
}

function sampleOf(line: string, name: string): Sample {
  const labelsEnd = line.lastIndexOf('}') + 1
  const labels = Object.fromEntries(
    Array.from(line.slice(0, labelsEnd).matchAll(LABEL), ([, key, value]) => [key!, unescaped(value!)]),
  )
  // A timestamp may follow the value.
  const [value = ''] = line
    .slice(labelsEnd || name.length)
    .trim()
    .split(' ')
  return { name, labels, value: numberOf(value) }
}

const unescaped = (text: string): string =>
  text.includes('\\') ? text.replaceAll(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c)) : text

/** JavaScript writes infinity differently. */
export const numberOf = (text: string): number => Number(text.replace(/^([+-]?)Inf$/, '$1Infinity'))
