/** Runs the local stack until Ctrl+C: once for `bun run up`, and again after each save that mends its start for `bun run dev`. */
import { EXIT, stopSignals } from '@bun-monitoring/prefork'
import { services } from '../services/names.ts'
import { setAdminPassword } from '../services/pets/admin/password.ts'
import { WATCHED } from './affected.ts'
import { watchChanges } from './changes.ts'
import { NotStarted } from './child.ts'
import { ROOT } from './external.ts'
import { type PartName, Stack } from './stack.ts'
import { bunOf, welcome } from './welcome.ts'

const print = (line: string) => console.log(line)
const prefixes = services.map((name) => name.toUpperCase())

const ON_SAVE = 'Each save restarts the processes that run the file, also those that have ended.'

const helpOf = (script: string) => `bun run ${script} [--free-ports]

Starts the whole stack. Settings are environment variables: docs/settings.md

  --free-ports  takes free ports instead of those of the settings, for a second stack beside the first. If both are of one
                checkout, they share the databases of the services; Prometheus' data of the second one goes at its end
  --help        prints this text`

/** @returns the exit code */
export async function launch(script: 'up' | 'dev', args: readonly string[]): Promise<number> {
  if (args.some((arg) => arg !== '--free-ports')) {
    console.log(helpOf(script))
    return args[0] === '--help' ? EXIT.ok : EXIT.badConfig
  }
  const signals = stopSignals()
  // Closing the terminal does the same as Ctrl+C. Like that it comes twice, since `bun run` passes on another one.
  process.on('SIGHUP', () => process.emit('SIGINT', 'SIGINT'))
  const stopped = signals.drain.then(() => 'stopped' as const)
  const adminPassword = await setAdminPassword(Bun.env, prefixes)
  const oneWorker = Object.fromEntries(['GATEWAY', ...prefixes].map((prefix) => [`${prefix}_WORKERS`, '1']))
  const isDev = script === 'dev'
  for (;;) {
    const stack = new Stack({ hasFreePorts: args.length > 0, env: isDev ? oneWorker : {}, print })
    void signals.now.then(() => stack.kill())
    await using saves = isDev ? await Saves.watch(stack) : undefined
    let problem: string | undefined
    try {
      const started = await Promise.race([stack.start(), stopped])
      if (started === 'stopped') return 0
      console.log(welcome(started, adminPassword))
      if (isDev) console.log(ON_SAVE)
      saves?.begin()
      const end = await (isDev ? stopped : Promise.race([stopped, stack.brokeDown]))
      if (end === 'stopped') return 0
      problem = `${end}: stopping the rest`
      return EXIT.crashed
    } catch (error) {
      problem = (error as Error).message
      const isTaken = /port \d+ is taken/.test(problem)
      if (isTaken) problem += `\nor use free ports: ${bunOf()} run ${script} --free-ports`
      // A save frees no port.
      if (isTaken || !isDev) return error instanceof NotStarted ? error.exitCode : EXIT.crashed
    } finally {
      await stack.stop()
      // After the lines of the processes that stop, so that it is the last one.
      if (problem !== undefined) console.error(`\n${problem}`)
    }
    console.log('The next save starts the stack again; Ctrl+C ends this.')
    if ((await Promise.race([saves!.first, stopped])) === 'stopped') return 0
  }
}

/** Restarts the processes that a save concerns. Saves during the start are seen, too, and handled after it. */
class Saves implements AsyncDisposable {
  readonly #first = Promise.withResolvers<void>()
  readonly #begun = Promise.withResolvers<boolean>()
  #watcher: AsyncDisposable | undefined

  static async watch(stack: Stack): Promise<Saves> {
    const saves = new Saves()
    saves.#watcher = await watchChanges(ROOT, WATCHED, async (parts) => {
      saves.#first.resolve()
      if (await saves.#begun.promise) await Promise.all(parts.map((part) => restart(stack, part)))
    })
    return saves
  }

  /** Resolves at the first save. */
  get first(): Promise<void> {
    return this.#first.promise
  }

  /** The stack has started. */
  begin(): void {
    this.#begun.resolve(true)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#begun.resolve(false)
    await this.#watcher?.[Symbol.asyncDispose]()
  }
}

async function restart(stack: Stack, part: PartName): Promise<void> {
  const startedMs = performance.now()
  const problem = await stack.restart(part).catch(({ message }: Error) => message)
  console.log(problem ?? `${part} restarted in ${(performance.now() - startedMs).toFixed(0)} ms`)
}
