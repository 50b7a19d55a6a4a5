/** Which targets may be probed. */
import { describe, expect, test } from 'bun:test'
import { parseAllowed } from '../config/allowed.ts'
import { SETTINGS } from '../config/settings.ts'
import { parseTarget } from '../config/target.ts'
import type { Lookup } from '../stats/resolve.ts'
import { probeOf } from './probe.ts'

const NAMES: Record<string, string[]> = {
  localhost: ['127.0.0.1'],
  dogs: ['10.0.0.1', '10.0.0.2'],
}
const lookup: Lookup = async (name) => (NAMES[name] ?? []).map((address) => ({ address, family: 4 }))
const configured = [parseTarget('http://10.9.9.9:9001/stats')!, parseTarget('unix:///run/stats.sock')!]

async function outcome(uri: string | null, ...allow: string[]): Promise<string> {
  const allowed = (allow.length > 0 ? allow : SETTINGS.allowed.defaults).map((text) => parseAllowed(text)!)
  const probe = await probeOf(uri, configured, allowed, new AbortController().signal, lookup)
  return 'reason' in probe ? String(probe.status) : probe.targets.map(({ label }) => label).join()
}

describe('by default: the configured targets only', () => {
  test.each([
    ['http://10.9.9.9:9001/stats', 'http://10.9.9.9:9001/stats'],
    ['http://10.9.9.9:9001/other', '403'],
    ['http://127.0.0.1:8002/cats/clean/', '403'],
    ['http://[::1]:1/', '403'],
    ['http://localhost/', '403'],
    ['http://2130706433/', '403'],
    ['tcp://127.8.9.10:1717', '403'],
    ['http://10.0.0.1/', '403'],
    ['http://169.254.169.254/latest', '403'],
    ['http://dogs/', '403'],
    ['unix:///run/stats.sock', '403'],
    ['unix:@stats', '403'],
    ['ftp://127.0.0.1/', '400'],
    ['http://user:secret@127.0.0.1/', '400'],
    ['', '400'],
    [null, '400'],
  ])('%s: %s', async (uri, expected) => {
    expect(await outcome(uri)).toBe(expected)
  })
})

describe('with --probe.allow: addresses by network, names by name', () => {
  test.each([
    ['http://10.0.0.1/', ['10.0.0.0/8'], 'http://10.0.0.1/'],
    ['http://10.0.0.1/', ['10.0.0.2'], '403'],
    ['http://dogs:1/', ['DOGS'], 'http://10.0.0.1:1/,http://10.0.0.2:1/'],
    ['http://localhost:1/', ['localhost'], 'http://localhost:1/'],
    ['http://dogs:1/', ['10.0.0.0/30'], '403'],
    ['http://unknown.example/', ['unknown.example'], 'http://unknown.example/'],
    ['http://10.0.0.1/', ['dogs'], '403'],
    ['http://127.0.0.1/', ['10.0.0.0/8'], '403'],
    ['http://2130706433/', ['127.0.0.0/8'], 'http://2130706433/'],
    ['http://[fd00::1]/', ['fd00::/8'], 'http://[fd00::1]/'],
    ['http://1.2.3.4/', ['0.0.0.0/0'], 'http://1.2.3.4/'],
  ])('%s with %j: %s', async (uri, allow, expected) => {
    expect(await outcome(uri, ...allow)).toBe(expected)
  })
})

test('a name is resolved only if it is allowed or configured', async () => {
  const asked: string[] = []
  const recording: Lookup = async (name) => {
    asked.push(name)
    return [{ address: '10.0.0.1', family: 4 }]
  }
  const known = [parseTarget('http://cats:9002/stats')!]
  const allowed = [parseAllowed('0.0.0.0/0')!, parseAllowed('dogs')!]
  const probe = (uri: string) => probeOf(uri, known, allowed, new AbortController().signal, recording)
  for (const uri of ['http://secret.example/', 'http://cats:9002/other', 'http://dogs.example/'])
    await probe(uri)
  expect(asked).toEqual([])
  for (const uri of ['http://dogs/', 'http://cats:9002/stats']) await probe(uri)
  expect(asked).toEqual(['dogs', 'cats'])
})
