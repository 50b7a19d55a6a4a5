/**
 * `bun run dev`: the whole stack as `bun run up` starts it, with one worker for each process, restarted part by part on each save.
 * A part that does not start says why, and starts again at the next save.
 */
import { install } from './install.ts'

process.exit(await main())

async function main(): Promise<number> {
  if (!(await install())) return 1
  const { stopSignals } = await import('@bun-monitoring/prefork')
  const { watchChanges } = await import('./changes.ts')
  const { services } = await import('../services/names.ts')
  const { WATCHED } = await import('./affected.ts')
  const { ROOT } = await import('./external.ts')
  const { Stack } = await import('./stack.ts')
  const { welcome } = await import('./welcome.ts')

  const signals = stopSignals()
  const stack = new Stack({
    env: Object.fromEntries([...services, 'gateway'].map((name) => [`${name.toUpperCase()}_WORKERS`, '1'])),
    print: (line) => console.log(line),
  })
  void signals.now.then(() => stack.kill())
  try {
    const stopped = signals.drain.then(() => 'stopped' as const)
    // A save while the stack starts is seen, too, and handled after the start.
    const begun = Promise.withResolvers<void>()
    const watcher = await watchChanges(ROOT, WATCHED, async (parts) => {
      await begun.promise
      for (const part of parts) {
        const startedMs = performance.now()
        const problem = await stack.restart(part).catch(({ message }: Error) => message)
        console.log(problem ?? `${part} restarted in ${(performance.now() - startedMs).toFixed(0)} ms`)
      }
    })
    const started = await Promise.race([stack.start(), stopped])
    if (started === 'stopped') return 0
    console.log(welcome(started))
    begun.resolve()
    await stopped
    await watcher[Symbol.asyncDispose]()
    return 0
  } catch (error) {
    console.error(`\n${(error as Error).message}`)
    return 1
  } finally {
    await stack.stop()
  }
}
