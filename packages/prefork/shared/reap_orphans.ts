/**
 * Reaps processes that this one has inherited. Orphans of a container become children of process 1 when their parent ends; they
 * stay as zombies until it waits for them. Bun only waits for the children that it has started itself.
 */
import { libc } from './libc.ts'
import { childrenOf, isZombie } from './procfs.ts'

const LOOK_EVERY_MS = 1000

/** waitpid(2): do not wait for a process that lives. */
const WNOHANG = 1

/**
 * Looks for zombies for as long as this process is process 1.
 * @returns a function that ends this.
 */
export function reapOrphans(): () => void {
  const waitpid = libc()?.waitpid
  if (process.pid !== 1 || !waitpid) return () => {}
  const look = reaper(
    () => childrenOf(process.pid).filter(isZombie),
    (pid) => void waitpid(pid, null, WNOHANG),
  )
  const timer = setInterval(look, LOOK_EVERY_MS)
  timer.unref()
  return () => clearInterval(timer)
}

/**
 * @param zombies the children that have ended and were not waited for
 * @returns a function that looks once. It reaps those that were there at the last look, too: Bun reaps its own children at once,
 * and reports no exit of one that was reaped here.
 */
export function reaper(zombies: () => readonly number[], reap: (pid: number) => void): () => void {
  let seen = new Set<number>()
  return () => {
    const now = new Set(zombies())
    for (const pid of now.intersection(seen)) reap(pid)
    seen = now
  }
}
