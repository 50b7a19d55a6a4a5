/** Test helper. Runs the StatefulSet of kubernetes/postgres.yml as a process: its flags, its pg_hba.conf and a certificate, on a free port. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@bun-monitoring/prefork/testing'

/** Debian installs the programs of each version in a folder outside PATH. */
const folders = [...new Bun.Glob('/usr/lib/postgresql/*/bin').scanSync({ cwd: '/', onlyFiles: false })]
const bin = folders.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1)!
/** PostgreSQL refuses to run as root. */
const asUser =
  process.getuid?.() === 0 ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : []

export class ManifestPostgres implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'manifest-postgres-'))
  readonly port = freePort()
  readonly password = 'first'
  #server: Bun.Subprocess | undefined

  /** What jobs and pods have in their environment: the paths and the port are those of this machine. */
  get env(): Record<string, string> {
    return {
      PATH: `${bin}:${Bun.env.PATH}`,
      PGHOSTADDR: '127.0.0.1',
      PGPORT: String(this.port),
      PGPASSWORD: this.password,
      PGSSLROOTCERT: join(this.folder, 'ca.crt'),
    }
  }

  /** What `kubectl exec` gives a command: no password, and the socket of the server instead of the network. */
  get inside(): Record<string, string> {
    return { PATH: `${bin}:${Bun.env.PATH}`, PGHOST: this.folder, PGPORT: String(this.port) }
  }

  /** @param makeCertificate the command of the README. @param args those of the container */
  async start(makeCertificate: string, args: readonly string[]): Promise<void> {
    const { folder } = this
    // Programs of this machine ask for the name `localhost`.
    const certificate = makeCertificate.replace('DNS:postgres', 'DNS:postgres,DNS:localhost')
    await Bun.$`sh -euc ${certificate}`.cwd(folder).quiet()
    await Bun.write(join(folder, 'password'), this.password)
    if (asUser.length > 0) await Bun.$`chown -R postgres ${folder}`
    await Bun.$`chmod 600 ${join(folder, 'tls.key')}`
    const options = ['--username=pets', '--encoding=UTF8', '--locale=C', '--no-sync', '--auth=scram-sha-256']
    const data = join(folder, 'data')
    await Bun.$`${asUser} ${bin}/initdb ${options} --pwfile=${folder}/password --pgdata ${data}`.quiet()
    const flags = args.map((arg) =>
      arg.replace('/run/secrets/postgres-tls', folder).replace('/etc/bun-monitoring', folder),
    )
    await Bun.$`cp ${import.meta.dir}/kubernetes/pg_hba.conf ${folder}`
    const [program, ...rest] = flags as [string, ...string[]]
    const local = ['-D', data, '-p', String(this.port), '-k', folder, '-h', '127.0.0.1', '-c', 'fsync=off']
    this.#server = Bun.spawn([...asUser, join(bin, program), ...rest, ...local], {
      stdout: Bun.file(join(folder, 'log')),
      stderr: Bun.file(join(folder, 'log')),
    })
    const deadlineMs = performance.now() + 60_000
    const isUp = () => Bun.$`${bin}/pg_isready -q -h 127.0.0.1 -p ${this.port}`.quiet().nothrow()
    while ((await isUp()).exitCode !== 0) {
      if (performance.now() > deadlineMs || this.#server.exitCode !== null)
        throw new Error(await Bun.file(join(folder, 'log')).text())
      await Bun.sleep(50)
    }
    await this.run('createdb pets', { ...this.inside, PGUSER: 'pets' })
  }

  /** @throws with its error output if it fails. */
  async run(command: string, env: Record<string, string>): Promise<string> {
    const { exitCode, stdout, stderr } = await Bun.$`bash -euo pipefail -c ${command}`
      .cwd(this.folder)
      .env(env)
      .quiet()
      .nothrow()
    if (exitCode !== 0) throw new Error(stderr.toString())
    return stdout.toString()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server?.kill('SIGQUIT')
    await this.#server?.exited
    rmSync(this.folder, { recursive: true, force: true })
  }
}
