/** Decides what `/probe?target=` may read: configured targets and those of `--probe.allow`, but no unix socket. */
import { type Allowed, isAllowed } from '../config/allowed.ts'
import { parseTarget, type Target } from '../config/target.ts'
import { orAbort } from '../stats/read_error.ts'
import { type Lookup, lookUp, resolve } from '../stats/resolve.ts'

/** The targets to read, or the status and the reason of a refusal. */
export type Probe = { targets: Target[] } | { status: 400 | 403; reason: string }

/** A target is allowed before its name is resolved, so that no client can make the exporter ask for any name. */
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
      reason: 'an http, https or tcp target is needed: /probe?target=http://127.0.0.1:9001/stats',
    }
  if ('unix' in target.at) return { status: 403, reason: 'unix sockets cannot be probed' }
  const isConfigured = configured.some(({ label }) => label === target.label)
  if (!isConfigured && !isAllowed(target, allowed))
    return { status: 403, reason: `${target.at.hostname} may not be probed: allow it with --probe.allow` }
  // If the name has no address, the reading reports it.
  return { targets: await orAbort(resolve(target, lookup, true), signal).catch(() => [target]) }
}
