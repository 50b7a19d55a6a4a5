/** What happened to a cluster between two of its stats documents, as lines of the page and marks on its charts. */
import type { Stats, Worker } from '../stats/parse.ts'
import { restartsOf, workerOf } from './figures.ts'

/** `kill` is an exit that our master or the kernel caused; the others are as their names say. */
export type ChangeKind = 'restart' | 'kill' | 'reload' | 'hung' | 'dead' | 'down' | 'up'

export interface Change {
  kind: ChangeKind
  text: string
}

const KILLS: ReadonlySet<string> = new Set(['harakiri', 'oom', 'signal', 'timeout'])

export function changesOf(now: Stats, before: Stats): Change[] {
  const changes: Change[] = []
  for (const worker of now.workers ?? []) {
    const old = workerOf(before, worker)
    if (old) changes.push(...changesOfWorker(worker, old))
  }
  const grown = (key: 'reloads' | 'reloads_failed') => (now[key] ?? 0) > (before[key] ?? 0)
  if (grown('reloads')) changes.push({ kind: 'reload', text: 'was reloaded' })
  if (grown('reloads_failed')) changes.push({ kind: 'reload', text: 'could not be reloaded' })
  return changes
}

function changesOfWorker(now: Worker, before: Worker): Change[] {
  if (restartsOf(now) > restartsOf(before)) {
    const reasons = Object.keys(now.exits).filter(
      (reason) => now.exits[reason]! > (before.exits[reason] ?? 0),
    )
    const why =
      reasons.length === 0 ? '' : `: ${reasons.map((reason) => reason.replaceAll('_', ' ')).join(', ')}`
    const kind = reasons.some((reason) => KILLS.has(reason)) ? 'kill' : 'restart'
    return [{ kind, text: `worker ${now.id} restarted${why}` }]
  }
  if (now.state !== before.state && (now.state === 'hung' || now.state === 'dead'))
    return [{ kind: now.state, text: `worker ${now.id} is ${now.state}` }]
  return []
}
