/** The ports of the local stack are checked together before anything starts, so that one message names all that are taken. */
import { EXIT, portTaken } from '@bun-monitoring/prefork'
import { readListenerProcess } from '@bun-monitoring/prefork/procfs'
import { join } from 'node:path'
import { services } from '../services/names.ts'
import type { Kind } from '../services/pets/model/kind.ts'
import { NotStarted } from './child.ts'
import { ROOT } from './external.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** A port, and the variable that sets it if there is one. */
interface Wanted {
  name: string
  host: string
  port: number
  variable?: string
}

/**
 * @param others programs that take their ports from no setting
 * @throws NotStarted that names each port that is taken, the process that has it, and what to do
 */
export async function checkPorts(
  env: Environment,
  others: readonly { name: string; port: number }[],
  root = ROOT,
): Promise<void> {
  const ofServices = services.map(async (name) => portsOf(env, name, (await defaultsOf(name)) ?? {}))
  const wanted = [
    ...(await Promise.all(ofServices)).flat(),
    ...portsOf(env, 'gateway', { port: 8000, adminPort: 9000 }),
    ...others.map((other) => ({ ...other, host: '127.0.0.1' })),
  ]
  const taken = wanted.flatMap((each) => {
    const problem = problemOf(each)
    return problem === undefined ? [] : [{ ...each, problem }]
  })
  const [first, ...rest] = taken
  if (first === undefined) return
  if (taken.every(({ port }) => readListenerProcess(port)?.command.includes(`${root}/`)))
    throw new NotStarted(
      'the stack',
      EXIT.couldNotStart,
      `it runs already in ${root}, so port ${first.port} is taken: stop it there with Ctrl+C`,
    )
  const lines = rest.map(({ name, problem }) => `\n${name} did not start: ${problem}`)
  throw new NotStarted(first.name, EXIT.couldNotStart, first.problem + lines.join(''))
}

/** Undefined if the declaration cannot be read: the service says why. */
async function defaultsOf(name: string): Promise<Kind['defaults'] | undefined> {
  const model = (await import(join(ROOT, 'services', name, 'model.ts')).catch(() => undefined)) as
    { kind?: Kind } | undefined
  return model?.kind?.defaults
}

/** The ports of one of our own processes that it does not share. A setting that is no port is reported by the process. */
function portsOf(env: Environment, name: string, defaults: { port?: number; adminPort?: number }): Wanted[] {
  const prefix = name.toUpperCase()
  const isShared = env[`${prefix}_SHARE_PORT`] === 'yes'
  const traffic = wantedOf(`${prefix}_HOST`, `${prefix}_PORT`, defaults.port)
  const admin = wantedOf(`${prefix}_ADMIN_HOST`, `${prefix}_ADMIN_PORT`, defaults.adminPort)
  return [...(isShared ? [] : traffic), ...admin]

  function wantedOf(hostVariable: string, variable: string, byDefault: number | undefined): Wanted[] {
    const port = Number(env[variable] ?? byDefault)
    return port > 0 ? [{ name, host: env[hostVariable] ?? '127.0.0.1', port, variable }] : []
  }
}

/** Why an address cannot be used, if it is taken. Other problems are reported by the process itself. */
function problemOf({ host, port, variable }: Wanted): string | undefined {
  try {
    Bun.listen({ hostname: host, port, socket: { data() {} } }).stop(true)
    return undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'EADDRINUSE' ? portTaken(host, port, variable) : undefined
  }
}
