import { expect, test } from 'bun:test'
import { MAX_UNCONNECTED, Peers } from './peers.ts'

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

test('connections of one address and protocol share a peer', () => {
  const peers = new Peers([])
  const peer = peers.enter('10.0.0.1')
  expect(peers.enter('10.0.0.1')).toBe(peer)
  expect(peers.enter('10.0.0.2')).not.toBe(peer)
  expect(peers.enter('10.0.0.1', 'https')).not.toBe(peer)
})

test('a peer without a connection is kept until so many others have left after it', () => {
  const peers = new Peers([])
  const visit = (address: string) => {
    const peer = peers.enter(address)
    peers.leave(peer)
    return peer
  }
  const peer = visit('10.0.0.1')
  for (let i = 1; i < MAX_UNCONNECTED; i++) visit(`10.0.1.${i}`)
  expect(visit('10.0.0.1')).toBe(peer)
  for (let i = 1; i <= MAX_UNCONNECTED; i++) visit(`10.0.2.${i}`)
  const next = peers.enter('10.0.0.1')
  expect(next).not.toBe(peer)
  // A peer with a connection is none of those.
  const again = peers.enter('10.0.0.1')
  peers.leave(again)
  for (let i = 1; i <= MAX_UNCONNECTED + 1; i++) visit(`10.0.3.${i}`)
  expect(peers.enter('10.0.0.1')).toBe(next)
  // Nor is one that has left and come back.
  const back = visit('10.0.4.1')
  peers.enter('10.0.4.1')
  for (let i = 1; i <= MAX_UNCONNECTED + 1; i++) visit(`10.0.5.${i}`)
  expect(peers.enter('10.0.4.1')).toBe(back)
})
