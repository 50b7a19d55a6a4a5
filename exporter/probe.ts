/** What `/probe?target=` may read: the configured targets and what is allowed besides, and never a unix socket. */
import { type Allowed, isAllowed } from './allow.ts'
import { orAbort } from './read_error.ts'
import { type Lookup, lookUp, resolve } from './resolve.ts'
import { parseTarget, type Target } from './target.ts'

/** Targets to read, or why there are none. */
export type Probe = { targets: Target[] } | { status: 400 | 403; reason: string }

/**
 * Judges the addresses that a name leads to, and gives exactly those to read: a name that leads elsewhere a moment later
 * gets no second chance.
 */
export async function probeOf(
  uri: string | null,
  configured: readonly Target[],
  allowed: readonly Allowed[],
  signal: AbortSignal,
  lookup: Lookup = lookUp,
): Promise<Probe> {
  const target = uri === null ? undefined : parseTarget(uri)
  if (!target)
    return {
      status: 400,
      reason: 'name an http, https or tcp target: /probe?target=http://127.0.0.1:9001/stats',
    }
  if ('unix' in target.at) return { status: 403, reason: 'unix sockets cannot be probed' }

  const { hostname } = target.at
  // Where the name leads nowhere, the reading says so, if it may be asked for at all.
  const targets = await orAbort(resolve(target, lookup, true), signal).catch(() => [target])
  const isConfigured = configured.some(({ label }) => label === target.label)
  if (isConfigured || targets.every((each) => isAllowed(each, hostname, allowed))) return { targets }
  return { status: 403, reason: `${hostname} may not be probed: allow it with --probe.allow` }
}
