/**
 * Five faults, one after the other: how each begins and ends, which alert it raises, and which dashboard shows it. `bun run demo`
 * shows the story to people; the end-to-end test checks that it is true.
 */
import type { Stack, StackUrls } from './stack.ts'

/** Alerts fire this many times sooner than in production: minutes become seconds. */
export const TIMES_FASTER = 20

/** The master must not kill the hung worker of the story before its alert has fired. */
export const STORY_ENV = { CATS_HARAKIRI_MS: '600000', CATS_DRAIN_MS: '1000' }

export interface Scene {
  stack: Stack
  urls: StackUrls
}

export interface Step {
  title: string
  /** The fault, and the real event that it stands for. */
  tells: string
  look: string
  /** Name, app and, if it has one, window of the alert. */
  alert: string
  begin(scene: Scene): Promise<void>
  /** Called again and again until the alert fires. */
  meanwhile?(scene: Scene): Promise<void>
  end(scene: Scene): Promise<void>
}

let stopped: number | undefined

export const story: readonly Step[] = [
  {
    title: 'a service is down',
    tells: 'dogs is stopped, as after a bad deploy.',
    look: 'Overview: "Targets" turns red, "Responses by status" shows 503',
    alert: 'TargetDown dogs',
    begin: ({ stack }) => stack.stopOne('dogs'),
    end: ({ stack }) => stack.restart('dogs'),
  },
  {
    title: 'workers crash',
    tells: 'Each new worker of cats is killed. Counters go on without a gap.',
    look: 'Workers: "Exits by reason" and "Respawns"; Overview: how few requests fail',
    alert: 'WorkerCrashLooping cats',
    begin: async () => {},
    async meanwhile(scene) {
      const [victim] = await workersOfCats(scene)
      if (victim !== undefined) kill(victim, 'SIGKILL')
    },
    end: async () => {},
  },
  {
    title: 'a worker hangs',
    tells: 'One worker of cats is stopped in mid-flight. Its master publishes its state.',
    look: 'Workers: "Heartbeat age" climbs, "Workers by state" has a hung one; the live page says which',
    alert: 'WorkerHung cats',
    async begin(scene) {
      stopped = (await workersOfCats(scene)).at(-1)
      if (stopped === undefined) throw new Error('cats has no worker that could hang')
      kill(stopped, 'SIGSTOP')
    },
    async end() {
      kill(stopped!, 'SIGCONT')
    },
  },
  {
    title: 'saturation',
    tells: 'Half of the requests to cats block the event loop for 0.3 s: CATS_FAULT_BLOCK_PERCENT=50.',
    look: 'Overview: "Event loop lag p99" and "Latency at the edge and behind it"; Workers: "CPU per worker"',
    alert: 'EventLoopSlow cats',
    begin: ({ stack }) =>
      stack.restart('cats', { CATS_FAULT_BLOCK_PERCENT: '50', CATS_FAULT_BLOCK_MS: '300' }),
    end: ({ stack }) => stack.restart('cats'),
  },
  {
    title: 'errors at the edge',
    tells: 'Half of the requests to dogs fail: DOGS_FAULT_FAIL_PERCENT=50.',
    look: 'Overview: "Errors at the edge"; Service: "Errors by type" says InjectedFault',
    alert: 'EdgeErrorBudgetBurn gateway 1h',
    begin: ({ stack }) => stack.restart('dogs', { DOGS_FAULT_FAIL_PERCENT: '50' }),
    end: ({ stack }) => stack.restart('dogs'),
  },
]

/** The alerts that fire now, as a step names them, without the one that always fires. */
export async function firingAlerts(prometheus: string): Promise<string[]> {
  const alerts = await labelsOf(prometheus, 'ALERTS{alertstate="firing", alertname!="Watchdog"}')
  return alerts.map(({ alertname, app, window }) =>
    [alertname, app, window].filter((word) => word !== undefined).join(' '),
  )
}

/** Without a proxy of the environment, since every address is one of this machine. */
const ask = (url: string) => fetch(url, { proxy: false })

/** The labels of every series of a query's result. */
export async function labelsOf(prometheus: string, query: string): Promise<Record<string, string>[]> {
  const response = await ask(`${prometheus}/api/v1/query?${new URLSearchParams({ query })}`)
  const { data } = (await response.json()) as { data: { result: { metric: Record<string, string> }[] } }
  return data.result.map(({ metric }) => metric)
}

async function workersOfCats({ urls }: Scene): Promise<number[]> {
  const { workers } = (await (await ask(`${urls.admin.cats}/stats`)).json()) as {
    workers: { pid: number; state: string }[]
  }
  return workers.filter(({ pid, state }) => pid > 0 && state !== 'starting').map(({ pid }) => pid)
}

/** Sends a signal. The worker may have ended by itself before. */
function kill(pid: number, signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
