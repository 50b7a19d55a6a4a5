/**
 * Chooses format and encoding by Accept and Accept-Encoding (RFC 9110 section 12.5). Only a client that names OpenMetrics gets
 * it: one that sends a wildcard, as browsers and curl do, gets the text format, which people read.
 */

export type Format = 'text' | 'openmetrics'

/** The format for an Accept header. A client that accepts neither gets text, which helps it more than a 406. */
export function chooseFormat(accept: string | null): Format {
  const ranges = parse(accept ?? '')
  const openmetrics = highest(ranges, 'application/openmetrics-text', '1.0.0')
  const text =
    highest(ranges, 'text/plain', '0.0.4') ?? highest(ranges, 'text/*') ?? highest(ranges, '*/*') ?? 0
  return openmetrics !== undefined && openmetrics > 0 && openmetrics >= text ? 'openmetrics' : 'text'
}

/** Whether the client accepts gzip, by name or by `*`, and not with `q=0`. */
export function acceptsGzip(acceptEncoding: string | null): boolean {
  const encodings = parse(acceptEncoding ?? '')
  return (highest(encodings, 'gzip') ?? highest(encodings, '*') ?? 0) > 0
}

interface Range {
  name: string
  quality: number
  version: string | undefined
}

function parse(header: string): Range[] {
  return header.split(',').map((member) => {
    const [name = '', ...parameters] = member.split(';').map((part) => part.trim().toLowerCase())
    return {
      name,
      quality: Number(parameter(parameters, 'q') ?? 1),
      version: parameter(parameters, 'version'),
    }
  })
}

const parameter = (parameters: readonly string[], name: string): string | undefined =>
  parameters
    .find((each) => each.startsWith(`${name}=`))
    ?.slice(name.length + 1)
    .replaceAll('"', '')

/** The best quality of this name in the list, without a version or in the version that this package writes. */
function highest(ranges: readonly Range[], name: string, ours?: string): number | undefined {
  const qualities = ranges
    .filter((range) => range.name === name && (range.version === undefined || range.version === ours))
    .map((range) => range.quality)
  return qualities.length === 0 ? undefined : Math.max(...qualities)
}
