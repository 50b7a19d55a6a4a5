/**
 * A copy of the repository in which one mutant after the other is tried, so that the processes that tests start run the mutant, too.
 * It has the files as they are now, committed or not, and the installed packages.
 */
import { $ } from 'bun'
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { applied, type Mutant } from './mutant.ts'

const SHARED_MEMORY = '/dev/shm'

export interface Finished {
  isGood: boolean
  isLate: boolean
  output: string
}

export class WorkingCopy {
  readonly root: string
  /** TMPDIR of everything that runs in the copy. It also marks the processes. */
  readonly #temporary: string
  readonly #output: string
  readonly #before = new Set(sharedMemory().map(({ name }) => name))
  readonly #killed = new Set<string>()
  #running: Bun.Subprocess | undefined
  isEnded = false

  private constructor(folder: string) {
    this.root = join(folder, 'copy')
    this.#temporary = join(folder, 't')
    this.#output = join(folder, 'output')
    mkdirSync(this.root, { recursive: true })
    mkdirSync(this.#temporary)
  }

  /** @param from the root of a git repository @param folder where the copy is made */
  static async make(from: string, folder: string): Promise<WorkingCopy> {
    const copy = new WorkingCopy(folder)
    const listed = (await $`git ls-files -coz --exclude-standard`.cwd(from).text()).split('\0')
    const files = listed.filter((file) => file !== '' && existsSync(join(from, file)))
    const packages = files.filter((file) => /(^|\/)package\.json$/.test(file))
    const installed = packages.map((file) => join(dirname(file), 'node_modules'))
    for (const path of files) cpSync(join(from, path), join(copy.root, path), { verbatimSymlinks: true })
    for (const path of installed.filter((path) => existsSync(join(from, path))))
      await $`cp -a --reflink=auto ${join(from, path)} ${join(copy.root, path)}`
    // Tests ask git for the list of files.
    await $`git init --quiet && git add --all`.cwd(copy.root)
    return copy
  }

  /** Runs `act` while the mutant is in its file. */
  async with<T>(mutant: Mutant, act: () => Promise<T>): Promise<T> {
    const path = join(this.root, mutant.file)
    const source = readFileSync(path, 'utf8')
    writeFileSync(path, applied(source, mutant))
    try {
      return await act()
    } finally {
      writeFileSync(path, source)
    }
  }

  /** Runs a command in a session of its own, ends it when it takes too long, then removes all that it left behind. */
  async run(command: readonly string[], limitMs: number): Promise<Finished> {
    if (this.isEnded) return { isGood: false, isLate: false, output: '' }
    // A file, because a process that is left behind would keep a pipe open.
    const output = openSync(this.#output, 'w')
    const started = Bun.spawn([...command], {
      cwd: this.root,
      env: { ...Bun.env, TMPDIR: this.#temporary, NO_COLOR: '1', FORCE_COLOR: '0' },
      stdin: 'ignore',
      stdout: output,
      stderr: output,
      detached: true,
    })
    closeSync(output)
    this.#running = started
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      this.#stop()
    }, limitMs)
    const code = await started.exited
    clearTimeout(timer)
    // Twice without a find: a process that is just being started shows no environment yet.
    for (let quiet = 0; quiet < 2; await Bun.sleep(10)) quiet = this.#stop() > 0 ? 0 : quiet + 1
    this.#clean()
    return { isGood: code === 0, isLate, output: readFileSync(this.#output, 'utf8') }
  }

  /** Stops what runs, for good. */
  end(): void {
    this.isEnded = true
    this.#stop()
  }

  /** Kills what runs, with the processes that left its session. @returns how many still lived */
  #stop(): number {
    if (this.#running && this.#running.exitCode === null) kill(-this.#running.pid)
    const pids = readdirSync('/proc').filter(
      (name) => /^\d+$/.test(name) && environmentOf(name).includes(`TMPDIR=${this.#temporary}\0`),
    )
    for (const pid of pids) {
      this.#killed.add(pid)
      kill(Number(pid))
    }
    return pids.length
  }

  #clean(): void {
    rmSync(this.#temporary, { recursive: true, force: true })
    mkdirSync(this.#temporary)
    for (const { name, pid, remove } of sharedMemory()) {
      // A process that was killed may not be collected yet.
      const isGone = this.#killed.has(pid) || !existsSync(`/proc/${pid}`)
      if (isGone && !this.#before.has(name)) remove()
    }
  }
}

/** Shared memory that no process uses, and the process that made it. It outlives a process that is killed. */
function sharedMemory(): { name: string; pid: string; remove: () => void }[] {
  // A file of metrics ends with the pid of its master.
  const files = readdirSync(SHARED_MEMORY).flatMap((name) => {
    const pid = /-(\d+)$/.exec(name)?.[1]
    return pid === undefined
      ? []
      : [{ name, pid, remove: () => rmSync(join(SHARED_MEMORY, name), { force: true }) }]
  })
  // PostgreSQL makes a segment of System V, of which the kernel has 4096.
  const rows = readFileSync('/proc/sysvipc/shm', 'utf8').trim().split('\n').slice(1)
  const segments = rows.flatMap((row) => {
    const [, name, , , pid, , users] = row.trim().split(/ +/)
    return users === '0'
      ? [{ name: name!, pid: pid!, remove: () => void Bun.spawnSync(['ipcrm', '-m', name!]) }]
      : []
  })
  return [...files, ...segments]
}

/** @returns nothing for a process that has ended, also before it is collected */
export function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1')
  } catch {
    return ''
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}
