import { expect, test } from 'bun:test'
import { Peers } from './peers.ts'

const TRUSTED = ['10.0.0.0/8', '192.0.2.7', 'fd00::/8']

test.each<[string | undefined, string, boolean]>([
  ['10.1.2.3', '10.1.2.3', true],
  ['11.1.2.3', '11.1.2.3', false],
  ['192.0.2.7', '192.0.2.7', true],
  ['192.0.2.8', '192.0.2.8', false],
  ['fd00::1', 'fd00::1', true],
  ['fe00::1', 'fe00::1', false],
  // The name of an IPv4 client on a socket that listens on both families.
  ['::ffff:10.1.2.3', '10.1.2.3', true],
  [undefined, 'unknown', false],
])('%s is %s, and trusted: %p', (raw, address, isTrusted) => {
  expect(new Peers(TRUSTED).enter(raw)).toMatchObject({ address, isTrusted })
})

test('a peer trusts no address that is unknown, not even if clients on unix sockets are trusted', () => {
  const peer = new Peers(['unix:', '10.0.0.1']).enter(undefined)
  expect(peer).toMatchObject({ address: 'unknown', isTrusted: true })
  expect(['unknown', '10.0.0.1', '10.0.0.2'].map((hop) => peer.trusts(hop))).toEqual([false, true, false])
})

test('connections of one address share a peer, which is forgotten with the last of them', () => {
  const peers = new Peers([])
  const peer = peers.enter('10.0.0.1')
  expect(peers.enter('10.0.0.1')).toBe(peer)
  expect(peers.enter('10.0.0.2')).not.toBe(peer)
  peers.leave(peer)
  expect(peers.enter('10.0.0.1')).toBe(peer)
  peers.leave(peer)
  peers.leave(peer)
  expect(peers.enter('10.0.0.1')).not.toBe(peer)
})
