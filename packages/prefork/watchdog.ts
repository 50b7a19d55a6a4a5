/**
 * Who ends a worker that is blocked when its master is gone: the kernel. Its alarm clock is wound up at every turn of the
 * event loop. While there is a master harakiri comes first, because a master can say why; only where the whole family was
 * stopped for so long (`docker pause`), the clock may strike before the master has looked.
 */
import { dlopen } from 'bun:ffi'

const GRACE_SECONDS = 2

/** Of glibc, and of musl on the processors that Bun runs on. */
const LIBC_NAMES = ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1']

/** @returns what to call at each turn; it does nothing where a worker may be blocked for ever (0), or without a libc. */
export function watchdog(harakiriMs: number): () => void {
  const libc = harakiriMs > 0 ? openLibc() : undefined
  const seconds = Math.ceil(harakiriMs / 1000) + GRACE_SECONDS
  return () => void libc?.alarm(seconds)
}

function openLibc() {
  for (const name of LIBC_NAMES) {
    try {
      return dlopen(name, { alarm: { args: ['u32'], returns: 'u32' } }).symbols
    } catch {
      // Another system's.
    }
  }
  return undefined
}
