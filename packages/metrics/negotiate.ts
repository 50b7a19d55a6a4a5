/**
 * What a client can read, from its Accept and Accept-Encoding (RFC 9110 section 12.5). OpenMetrics is only for those who
 * name it: a wildcard, as of a browser or curl, gets the text that a person can read.
 */

export type Format = 'text' | 'openmetrics'

/** The format for an Accept header; text for whoever accepts neither, which is better than a 406. */
export function chooseFormat(accept: string | null): Format {
  const ranges = parse(accept ?? '')
  const openmetrics = highest(ranges, 'application/openmetrics-text', '1.0.0')
  const text =
    highest(ranges, 'text/plain', '0.0.4') ?? highest(ranges, 'text/*') ?? highest(ranges, '*/*') ?? 0
  return openmetrics !== undefined && openmetrics > 0 && openmetrics >= text ? 'openmetrics' : 'text'
}

/** Whether the client named gzip, or any encoding at all, and did not refuse it with `q=0`. */
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

/** The best quality with which the list has this name, in the version we write or in any. */
function highest(ranges: readonly Range[], name: string, ours?: string): number | undefined {
  const qualities = ranges
    .filter((range) => range.name === name && (range.version === undefined || range.version === ours))
    .map((range) => range.quality)
  return qualities.length === 0 ? undefined : Math.max(...qualities)
}
