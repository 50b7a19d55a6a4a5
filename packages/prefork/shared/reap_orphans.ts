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
  let seen = new Set<number>()
  const timer = setInterval(() => {
    const zombies = new Set(childrenOf(process.pid).filter(isZombie))
    // Bun reaps its own children at once. A zombie that was there at the last look is not one of them.
    for (const pid of zombies.intersection(seen)) waitpid(pid, null, WNOHANG)
    seen = zombies
  }, LOOK_EVERY_MS)
  timer.unref()
  return () => clearInterval(timer)
}
