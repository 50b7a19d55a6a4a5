/** Tells which processes a save concerns. Saves by rename are seen, too: Bun's own --watch misses them (oven-sh/bun#9547). */
import { relative } from 'node:path'
import { watch } from 'chokidar'
import { affectedBy } from './affected.ts'
import type { PartName } from './stack.ts'

/** An editor or git writes several files at once. */
const QUIET_MS = 100

/**
 * Calls `onChange` with the processes that run the changed files. Calls never overlap.
 * @param folders relative to `root`
 * @returns once all folders are watched
 */
export async function watchChanges(
  root: string,
  folders: readonly string[],
  onChange: (parts: readonly PartName[]) => Promise<void>,
): Promise<AsyncDisposable> {
  const pending = new Set<PartName>()
  let timer: Timer | undefined
  let last: Promise<void> = Promise.resolve()

  // Saves during a call are one further call.
  const flush = () => {
    last = last.then(async () => {
      const parts = [...pending]
      pending.clear()
      if (parts.length > 0) await onChange(parts)
    })
  }
  const watcher = watch([...folders], {
    cwd: root,
    ignoreInitial: true,
    // Otherwise it reports removed files a tenth of a second later than others, so that one save would be two changes.
    atomic: false,
    ignored: (path) => /(^|[/\\])(node_modules|data)$/.test(relative(root, path)),
  })
  watcher.on('all', (_, path) => {
    const parts = affectedBy(path)
    for (const part of parts) pending.add(part)
    if (parts.length === 0) return
    clearTimeout(timer)
    timer = setTimeout(flush, QUIET_MS)
  })
  const ready = Promise.withResolvers<void>()
  watcher.once('ready', ready.resolve)
  await ready.promise
  return {
    async [Symbol.asyncDispose]() {
      clearTimeout(timer)
      await watcher.close()
      await last
    },
  }
}
