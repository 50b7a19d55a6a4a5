/**
 * Attack: random mutations. Requests are changed at random and sent through a gateway to an upstream with a strict
 * parser. The upstream sees the requests that a strict parser of the client's bytes sees, in the same order, or the
 * client is rejected. `FUZZ_RUNS=100000 FUZZ_SEED=1 bun test smuggling.fuzz` runs more of it.
 */
import { expect, test } from 'bun:test'
import { randomFrom } from '@bun-monitoring/metrics/testing'
import { mutation } from '../testdata/mutations.ts'
import { fingerprint, strictRequests } from '../testdata/strict.ts'
import { connectTo, recordingUpstream, startGateway } from '../testing.ts'

const RUNS = Number(Bun.env.FUZZ_RUNS ?? 3000)
const SEED = Number(Bun.env.FUZZ_SEED ?? Date.now() % 1_000_000)
const AT_ONCE = 32

/** Sends the parts one after the other, half-closes, and returns all that comes. */
function converse(port: number, parts: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    let received = ''
    const socket = connectTo({ port, host: '127.0.0.1', allowHalfOpen: true })
    socket.on('data', (bytes) => (received += bytes.toString('latin1')))
    socket
      .on('error', () => {})
      .on('close', () => resolve(received))
      .on('end', () => socket.end())
    socket.setNoDelay(true)
    for (const part of parts) socket.write(Buffer.from(part, 'latin1'))
    socket.end()
  })
}

/** The status and the upstream's fingerprint of each final response. */
function responsesIn(received: string): { status: number; seen: string | undefined }[] {
  const heads = received.matchAll(/HTTP\/1\.1 ([2-5]\d\d) [^\r]*\r\n((?:[^\r]+\r\n)*)\r\n/g)
  return [...heads].map(([, status, fields]) => ({
    status: Number(status),
    seen: /^X-Seen: (\w+)/m.exec(fields!)?.[1],
  }))
}

test(
  `the upstream sees what a strict reader sees, or nothing (seed ${SEED})`,
  async () => {
    const random = randomFrom(SEED)
    using upstream = await recordingUpstream()
    await using gateway = startGateway(upstream.url)
    let left = RUNS
    let passed = 0
    let refused = 0

    const one = async (): Promise<void> => {
      const text = mutation(random)
      const cut = random() < 0.5 ? text.length : Math.floor(random() * text.length)
      const expected = strictRequests(text).requests.map(fingerprint)
      const responses = responsesIn(await converse(gateway.port, [text.slice(0, cut), text.slice(cut)]))
      for (const [i, { seen }] of responses.entries()) {
        // Without a fingerprint it is the gateway's own page.
        if (seen !== undefined && seen !== expected[i]) {
          throw new Error(
            `seed ${SEED}: response ${i} to ${JSON.stringify(text)} is for ${seen}, not ${expected[i]}`,
          )
        }
        if (seen !== undefined) passed++
        else refused++
      }
      // A request without a response was incomplete, or came after a rejection.
      const last = responses.at(-1)
      if (responses.length < expected.length && (last === undefined || last.status === 200)) {
        const isClosed = last !== undefined && /connection:[^\r]*close/i.test(text)
        const isOld = text.includes('HTTP/1.0')
        if (!isClosed && !isOld)
          throw new Error(`seed ${SEED}: ${JSON.stringify(text)} got ${JSON.stringify(responses)}`)
      }
    }
    const worker = async (): Promise<void> => {
      while (left-- > 0) await one()
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))

    expect(upstream.rejected()).toBe(0)
    expect(passed).toBeGreaterThan(RUNS / 20)
    expect(refused).toBeGreaterThan(RUNS / 20)
    expect(upstream.requests.length).toBeGreaterThanOrEqual(passed)
    // Nothing leaks: every client is gone, and so are its exchanges.
    while (gateway.server.connections() > 0) await new Promise(setImmediate)
    gateway.advance(2000)
    while (upstream.sockets.size > 0) await new Promise(setImmediate)
    expect(await gateway.metric('http_server_active_requests')).toBe(0)
    expect(gateway.tally.inFlight).toBe(0)
    console.log(`${RUNS} mutations, seed ${SEED}: ${passed} requests passed, ${refused} were rejected`)
  },
  { timeout: 600_000 },
)
