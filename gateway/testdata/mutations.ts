/** Requests for the fuzz test: valid ones, changed at random where parsers disagree. */

const BASES = [
  'GET /dogs/1/?a=b HTTP/1.1\r\nHost: a\r\nA-One: 1\r\na-two: x, y\r\n\r\n',
  'POST /dogs/ HTTP/1.1\r\nHost: a:8000\r\nContent-Length: 11\r\nA-One: 1\r\n\r\nhello world',
  'PUT /dogs/2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nA-Two: 2\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n',
  'POST /dogs/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA-Sum: 1\r\n\r\n',
  'GET http://b/dogs/ HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, A-One\r\nA-One: 1\r\n\r\n',
  'POST /dogs/ HTTP/1.0\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello',
  'DELETE /dogs/3/ HTTP/1.1\r\nHost: [::1]:80\r\nX-Forwarded-For: 1.2.3.4\r\nA-Three:\t3 \r\n\r\n',
  'HEAD /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n',
]

const PARTS = [
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  '\n\n',
  ' ',
  '\t',
  '\0',
  '\x0b',
  '\x85',
  ':',
  ';',
  ',',
  '0',
  '+',
  '-',
  '0x',
  '"',
  '/../',
  '%2e%2e',
  '%0d%0a',
  '#',
  '\\',
  'Content-Length: 5\r\n',
  'Content-Length: 0\r\n',
  'content-length : 5\r\n',
  'Content_Length: 5\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: identity\r\n',
  'Transfer-Encoding:\r\n chunked\r\n',
  'Host: b\r\n',
  'Connection: close\r\n',
  'Connection: Content-Length\r\n',
  'Connection: Transfer-Encoding, Host\r\n',
  'Expect: 100-continue\r\n',
  'Upgrade: h2c\r\n',
  ' folded\r\n',
  '0\r\n\r\n',
  '5\r\n',
  'fffffffff\r\n',
  'GET /dogs/hidden HTTP/1.1\r\nHost: a\r\n\r\n',
  'HTTP/1.0',
  'HTTP/1.1',
]

/** One to three requests, pipelined, with up to four changes. */
export function mutation(random: () => number): string {
  const below = (limit: number) => Math.floor(random() * limit)
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!
  let text = Array.from({ length: 1 + below(3) }, () => pick(BASES)).join('')
  for (let changes = below(5); changes > 0; changes--) {
    const at = below(text.length + 1)
    const to = Math.min(text.length, at + 1 + below(random() < 0.2 ? 40 : 3))
    const lineAt = text.lastIndexOf('\n', at) + 1
    const kind = random()
    if (kind < 0.25) text = text.slice(0, at) + pick(PARTS) + text.slice(at)
    else if (kind < 0.5) text = text.slice(0, lineAt) + pick(PARTS) + text.slice(lineAt)
    else if (kind < 0.65) text = text.slice(0, at) + text.slice(to)
    else if (kind < 0.75) text = text.slice(0, at) + pick(PARTS) + text.slice(to)
    else if (kind < 0.85) text = text.slice(0, to) + text.slice(at)
    else if (kind < 0.95) text = text.slice(0, at) + String.fromCharCode(below(256)) + text.slice(to)
    else text = text.slice(0, at) + text.slice(at, to).toUpperCase() + text.slice(to)
  }
  return text
}
