/**
 * The worker's own alarm: the kernel ends a worker that is blocked when its master is gone. Each turn of the event loop sets
 * alarm(2) anew. While there is a master, harakiri comes first, because the master logs the reason. Only after the whole
 * cluster was stopped for that long (`docker pause`) the alarm may ring before the master has looked.
 */
import { libc } from '../shared/libc.ts'

const GRACE_SECONDS = 2

/** @returns a function to call at each turn. It does nothing if harakiri is off (0), or without a known C library. */
export function orphanAlarm(harakiriMs: number): () => void {
  if (harakiriMs === 0) return () => {}
  const alarm = libc()?.alarm
  const seconds = Math.ceil(harakiriMs / 1000) + GRACE_SECONDS
  return () => void alarm?.(seconds)
}
