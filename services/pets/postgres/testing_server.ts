/**
 * For tests: starts a real PostgreSQL of Debian's package on its first use, and stops it when the test process ends, killed
 * or not. Each test gets its own database; a test that stops the server creates its own server.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SQL } from 'bun'
import { childrenOf } from '@bun-monitoring/prefork/procfs'
import { freePort, isExpected } from '@bun-monitoring/prefork/testing'

/** Debian installs the programs of each version in a folder outside PATH. */
const folders = [...new Bun.Glob('/usr/lib/postgresql/*/bin').scanSync({ cwd: '/', onlyFiles: false })]
const bin = folders.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1)
const isThere = bin !== undefined && existsSync(join(bin, 'initdb'))

/** Whether the tests that need PostgreSQL run. If CI is set, they fail without it instead of being skipped. */
export const isPostgresExpected = isExpected(
  isThere,
  '/usr/lib/postgresql is missing, so nothing is tested on PostgreSQL (Debian: postgresql)',
)

/** PostgreSQL refuses to run as root. */
const asUser =
  process.getuid?.() === 0 ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : []

/** A shell that stops the server and removes its files when its standard input closes; if the shell is killed, the server stops. */
const KEEPER = `setpriv --pdeathsig QUIT "$1/postgres" -D "$2" -p "$3" -h 127.0.0.1 -k "" -c fsync="$4" \\
    -c dynamic_shared_memory_type=mmap >"$2/log" 2>&1 &
  read -r word; kill "-$\{word:-QUIT}" $!; wait $!; [ -n "$word" ] || rm -rf "$2"`

/** Every user may log in without a password, except `guarded`. */
const HBA = 'host all guarded 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n'

export class TestServer implements AsyncDisposable {
  #keeper: Bun.Subprocess<'pipe', 'ignore', 'inherit'> | undefined

  private constructor(
    readonly folder: string,
    readonly port: number,
    readonly fsync: 'on' | 'off',
  ) {}

  /** Benchmarks pass 'on': only they measure the disk. */
  static async create(fsync: 'on' | 'off' = 'off'): Promise<TestServer> {
    if (!isThere) throw new Error('PostgreSQL is not here: install postgresql')
    const folder = mkdtempSync(join(tmpdir(), 'pets-postgres-'))
    if (asUser.length > 0) Bun.spawnSync(['chown', 'postgres', folder])
    const options = ['--auth=trust', '--username=dogs', '--encoding=UTF8', '--locale=C', '--no-sync']
    const initdb = Bun.spawn([...asUser, join(bin!, 'initdb'), ...options, '--pgdata', folder], {
      stdout: 'ignore',
    })
    if ((await initdb.exited) !== 0) throw new Error(`initdb failed in ${folder}`)
    await Bun.write(join(folder, 'pg_hba.conf'), HBA)
    const server = new TestServer(folder, freePort(), fsync)
    await server.start()
    return server
  }

  url(database: string): string {
    return `postgres://dogs@127.0.0.1:${this.port}/${database}`
  }

  /** Resolves when the server accepts connections. */
  async start(): Promise<void> {
    this.#keeper = Bun.spawn(
      [...asUser, 'sh', '-c', KEEPER, 'sh', bin!, this.folder, String(this.port), this.fsync],
      {
        stdin: 'pipe',
        stdout: 'ignore',
        stderr: 'inherit',
      },
    )
    const deadlineMs = performance.now() + 60_000
    for (;;) {
      const sql = new SQL(this.url('postgres'), { max: 1 })
      try {
        await sql.connect()
        return
      } catch (error) {
        if (performance.now() > deadlineMs || this.#keeper.exitCode !== null) throw error
        await Bun.sleep(20)
      } finally {
        await sql.close({ timeout: 0 })
      }
    }
  }

  /** Stops the server as `pg_ctl stop --mode` does: INT is fast, QUIT is immediate, like a crash. The data stay. */
  async stop(signal: 'INT' | 'QUIT'): Promise<void> {
    const keeper = this.#keeper!
    await keeper.stdin.write(`${signal}\n`)
    await keeper.stdin.flush()
    await keeper.exited
  }

  /** Stops or continues all processes of the server, as if its machine hung. */
  freeze(signal: 'SIGSTOP' | 'SIGCONT'): void {
    for (const pid of this.pids) process.kill(pid, signal)
  }

  /** The ids of the server's processes. */
  get pids(): number[] {
    const pid = Number(readFileSync(join(this.folder, 'postmaster.pid'), 'utf8').split('\n')[0])
    return [pid, ...childrenOf(pid)]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#keeper!.stdin.end()
    await this.#keeper!.exited
    rmSync(this.folder, { recursive: true, force: true })
  }
}

let shared: Promise<TestServer> | undefined

/** The server that the tests of this process share: a test that stops a server must create its own. */
export const sharedServer = (): Promise<TestServer> => (shared ??= TestServer.create())
