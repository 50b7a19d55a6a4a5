/**
 * A second parser of requests, for tests: strict by RFC 9112, with regular expressions over strings, slow, and without a
 * line of the gateway's parser. It rejects every ambiguity.
 */
import { createHash } from 'node:crypto'

export interface StrictRequest {
  method: string
  target: string
  fields: [name: string, value: string][]
  body: string
}

export interface Read {
  requests: StrictRequest[]
  /** How the bytes end: between two requests, within one, or with bytes that are not a request. */
  ends: 'between' | 'within' | 'refused'
}

const LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([!$-;=?-~]+) HTTP\/1\.(\d)$/
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*((?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)[ \t]*$/
const CHUNK_SIZE = /^([0-9A-Fa-f]{1,12})(;[\t -~\x80-\xff]*)?$/

/** Reads the requests of a connection from all that was sent on it (as latin1). */
export function strictRequests(text: string): Read {
  const requests: StrictRequest[] = []
  let at = 0
  while (at < text.length) {
    if (text.startsWith('\r\n', at)) at += 2
    if (at === text.length) break
    const read = oneRequest(text, at)
    if (typeof read === 'string') return { requests, ends: read }
    requests.push(read.request)
    at = read.end
  }
  return { requests, ends: 'between' }
}

function oneRequest(
  text: string,
  at: number,
): 'within' | 'refused' | { request: StrictRequest; end: number } {
  const head = readLines(text, at)
  if (typeof head === 'string') return head
  const [line = '', ...rest] = head.lines
  const [, method, target, minor] = LINE.exec(line) ?? []
  const fields = readFields(rest)
  if (method === undefined || target === undefined || fields === undefined) return 'refused'
  const all = (name: string) => fields.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)
  const [lengths, codings] = [all('content-length'), all('transfer-encoding')]
  const [host] = all('host')
  if (all('host').length > 1 || (minor !== '0' && (host === undefined || host === ''))) return 'refused'
  if (lengths.length + codings.length > 1 || (minor === '0' && codings.length > 0)) return 'refused'
  let body: { body: string; end: number } | 'within' | 'refused' = { body: '', end: head.end }
  if (lengths[0] !== undefined) body = sized(text, head.end, lengths[0])
  else if (codings[0] !== undefined) {
    if (codings[0].toLowerCase() !== 'chunked') return 'refused'
    body = chunked(text, head.end)
  }
  if (typeof body === 'string') return body
  return { request: { method, target, fields, body: body.body }, end: body.end }
}

/** The lines up to an empty one. Only CRLF ends a line. */
function readLines(text: string, from: number): 'within' | 'refused' | { lines: string[]; end: number } {
  const end = text.indexOf('\r\n\r\n', from)
  const block = text.slice(from, end === -1 ? undefined : end)
  // A carriage return at the very end may be the first half of a line's end.
  const rest = (end === -1 ? block.replace(/\r$/, '') : block).replaceAll('\r\n', '')
  if (/[\r\n]/.test(rest)) return 'refused'
  return end === -1 ? 'within' : { lines: block.split('\r\n'), end: end + 4 }
}

function readFields(lines: readonly string[]): [string, string][] | undefined {
  const fields: [string, string][] = []
  for (const line of lines) {
    const [, name, value] = FIELD.exec(line) ?? []
    if (name === undefined || value === undefined) return undefined
    fields.push([name, value])
  }
  return fields
}

function sized(text: string, from: number, digits: string) {
  if (!/^\d{1,15}$/.test(digits)) return 'refused'
  const end = from + Number(digits)
  return end > text.length ? 'within' : { body: text.slice(from, end), end }
}

function chunked(text: string, from: number): 'within' | 'refused' | { body: string; end: number } {
  let body = ''
  let at = from
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd === -1) return 'within'
    const [, digits] = CHUNK_SIZE.exec(text.slice(at, lineEnd)) ?? []
    if (digits === undefined) return 'refused'
    const size = Number.parseInt(digits, 16)
    const dataEnd = lineEnd + 2 + size
    if (size === 0) return trailers(text, lineEnd + 2, body)
    if (dataEnd + 2 > text.length) return 'within'
    if (!text.startsWith('\r\n', dataEnd)) return 'refused'
    body += text.slice(lineEnd + 2, dataEnd)
    at = dataEnd + 2
  }
}

function trailers(text: string, from: number, body: string) {
  if (text.startsWith('\r\n', from)) return { body, end: from + 2 }
  const block = readLines(text, from)
  if (typeof block === 'string') return block
  return readFields(block.lines) === undefined ? 'refused' : { body, end: block.end }
}

/** The part of a request that must reach the upstream unchanged: line, body, and fields whose names begin with `a-`. */
export function fingerprint({ method, target, fields, body }: StrictRequest): string {
  const options = new Set(
    fields
      .filter(([name]) => name.toLowerCase() === 'connection')
      .flatMap(([, value]) =>
        value
          .toLowerCase()
          .split(',')
          .map((option) => option.trim()),
      ),
  )
  const passed = fields.filter(
    ([name]) => /^a-/i.test(name) && !name.includes('_') && !options.has(name.toLowerCase()),
  )
  const text = JSON.stringify([method, target.replace(/^http:\/\/[^/?]*(?=\/)/i, ''), passed, body])
  return createHash('sha1').update(text, 'latin1').digest('hex')
}
