/**
 * The worker's own alarm: the kernel ends a worker that is blocked when its master is gone. Each turn of the event loop sets
 * alarm(2) anew. While there is a master, harakiri comes first, because the master logs the reason. Only after the whole
 * cluster was stopped for that long (`docker pause`) the alarm may ring before the master has looked.
 */
import { dlopen } from 'bun:ffi'

const GRACE_SECONDS = 2

/** The names of glibc, and of musl on the processors that Bun runs on. */
const LIBC_NAMES = ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1']

/** @returns a function to call at each turn. It does nothing if harakiri is off (0), or without a known libc. */
export function orphanAlarm(harakiriMs: number): () => void {
  const libc = harakiriMs > 0 ? openLibc() : undefined
  const seconds = Math.ceil(harakiriMs / 1000) + GRACE_SECONDS
  return () => void libc?.alarm(seconds)
}

function openLibc() {
  for (const name of LIBC_NAMES) {
    try {
      return dlopen(name, { alarm: { args: ['u32'], returns: 'u32' } }).symbols
    } catch {
      // This libc is not on the system: the next name is tried.
    }
  }
  return undefined
}
