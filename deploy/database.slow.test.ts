/**
 * The database of deploy/kubernetes as a process: its flags, its jobs, and the commands of the pages in operations/, while a service
 * with the settings of its pod runs on it.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { TestProcess } from '@bun-monitoring/prefork/testing'
import { isPostgresExpected } from '../services/pets/postgres/testing_server.ts'
import { isKustomizeHere, readManifests } from './testing.ts'
import { commandsOf } from './testing_pages.ts'
import { ManifestPostgres } from './testing_postgres.ts'

interface Container {
  args: string[]
  command: string[]
  env: { name: string; value?: string }[]
}
interface Manifest {
  kind: string
  metadata: { name: string }
  spec: {
    template: { spec: { containers: [Container] } }
    jobTemplate: { spec: { template: { spec: { containers: [Container] } } } }
  }
}

setDefaultTimeout(60_000)

describe.skipIf(!isPostgresExpected || !isKustomizeHere)('the database of the manifests', () => {
  let manifests: Manifest[]
  const postgres = new ManifestPostgres()
  const backups = join(postgres.folder, 'backups')
  beforeAll(async () => {
    manifests = await readManifests<Manifest>()
    const readme = await Bun.file(join(import.meta.dir, 'README.md')).text()
    const [makeCertificate] = /^openssl req -x509(?:[^\n]*\\\n)*[^\n]*/m.exec(readme)!
    await postgres.start(makeCertificate, find('StatefulSet', 'postgres').template.spec.containers[0].args)
    mkdirSync(backups)
  })
  afterAll(() => postgres[Symbol.asyncDispose]())

  const find = (kind: string, name: string) =>
    manifests.find((each) => each.kind === kind && each.metadata.name === name)!.spec
  const envOf = ({ env }: Container) =>
    Object.fromEntries(env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])))
  /** Runs a CronJob as its pod does, with the paths of this machine. */
  const runJob = (name: string, env: Record<string, string> = {}) => {
    const [container] = find('CronJob', name).jobTemplate.spec.template.spec.containers
    const [, , script] = container.command as [string, string, string]
    return postgres.run(script, { ...envOf(container), ...postgres.env, BACKUPS: backups, ...env })
  }
  const dogs = (env: Record<string, string> = {}) => {
    const { DOGS_DATABASE_URL, ...set } = envOf(find('Deployment', 'dogs').template.spec.containers[0])
    return new TestProcess([join(import.meta.dir, '../services/dogs/index.ts')], {
      ...set,
      DOGS_HOST: '127.0.0.1',
      DOGS_ADMIN_HOST: '127.0.0.1',
      DOGS_PORT: '0',
      DOGS_ADMIN_PORT: '0',
      DOGS_DATABASE_URL: DOGS_DATABASE_URL!.replace('postgres:5432', `localhost:${postgres.port}`),
      DOGS_DATABASE_PASSWORD_FILE: join(postgres.folder, 'password'),
      NODE_EXTRA_CA_CERTS: join(postgres.folder, 'ca.crt'),
      ...env,
    })
  }
  const post = async (url: string, name: string) => {
    const response = await fetch(`${url}/dogs/`, {
      method: 'POST',
      body: JSON.stringify({ name, breed: 'Pug' }),
    })
    expect(response.status).toBe(201)
  }
  const names = async (url: string) =>
    ((await (await fetch(`${url}/dogs/`)).json()) as { name: string }[]).map(({ name }) => name)
  /** The commands of a page for the cluster, as they run inside the pod of the database. */
  const inPod = async (page: string, block: number) => {
    const text = (await commandsOf(page, 'Kubernetes'))[block]!
    return text.replaceAll(/kubectl exec (--stdin )?statefulset\/postgres --/g, '')
  }

  test('refuses a connection without TLS, and a wrong password', async () => {
    const ask = (env: Record<string, string>) =>
      postgres.run('psql --host=localhost --username=pets --command="SELECT 1" pets', {
        ...postgres.env,
        ...env,
      })
    expect(await ask({ PGSSLMODE: 'verify-full' })).toContain('1 row')
    await expect(ask({ PGSSLMODE: 'disable' })).rejects.toThrow('no encryption')
    await expect(ask({ PGSSLMODE: 'require', PGPASSWORD: 'wrong' })).rejects.toThrow(
      'password authentication failed',
    )
  })

  test('a service with the settings of its pod checks the certificate', async () => {
    await using service = dogs()
    const { url } = await service.ready()
    await post(url, 'Rex')
    expect(await names(url)).toContain('Rex')
    await using other = dogs({ NODE_EXTRA_CA_CERTS: '', DOGS_DATABASE_CONNECT_TIMEOUT_MS: '150' })
    await other.line('dogs could not start')
    // On a busy machine some of the attempts end for lack of time.
    expect(JSON.stringify(other.lines(''))).toContain('self signed certificate')
    expect(await other.exit()).toBe(3)
  })

  test('the job writes a dump that can be read, and keeps the newest 14', async () => {
    for (let day = 10; day < 26; day++)
      await Bun.write(join(backups, `pets-2026-01-${day}T02-17-00Z.dump`), 'old')
    const [, path] = /^wrote (.*)\n$/m.exec(await runJob('backup'))!
    const kept = readdirSync(backups).toSorted()
    expect(kept).toHaveLength(14)
    expect(kept[0]).toBe('pets-2026-01-13T02-17-00Z.dump')
    expect(join(backups, kept.at(-1)!)).toBe(path!)
    await expect(runJob('backup', { PGPASSWORD: 'wrong' })).rejects.toThrow('password authentication failed')
    expect(
      readdirSync(backups)
        .filter((file) => file.endsWith('.dump'))
        .toSorted(),
    ).toEqual(kept)
  })

  test('a restore under a running service brings the rows of the dump back, and no GET fails', async () => {
    await using service = dogs()
    const { url } = await service.ready()
    await post(url, 'kept')
    const before = await names(url)
    await runJob('backup')
    await postgres.run(await inPod('backup.md', 1), postgres.inside)
    const restores = [
      () => runJob('restore'),
      async () => postgres.run(await inPod('restore.md', 1), postgres.inside),
    ]
    for (const restore of restores) {
      await post(url, 'too much')
      await using traffic = new Reader(`${url}/dogs/`)
      await restore()
      await traffic.stop()
      expect(traffic.failures).toEqual([])
      expect(await names(url)).toEqual(before)
      await post(url, 'after')
    }
  })

  test('the password is rotated under a running service, and no GET fails', async () => {
    await using service = dogs({ DOGS_WORKERS: '2' })
    const { url } = await service.ready()
    await using traffic = new Reader(`${url}/dogs/`)
    const page = await inPod('passwords.md', 0)
    // `kubectl apply` changes the file in the pods.
    const commands = page
      .replace(/^kubectl create secret.*$/m, 'tr -d "\\n" < password > password.new')
      .replace(/^rm .*$/m, '')
    expect(commands).toContain('ALTER ROLE')
    const own = { ...postgres.inside, HOME: postgres.folder }
    await Bun.$`mkdir work`.cwd(postgres.folder)
    await postgres.run(`cd work; ${commands}`, own)
    const login = (PGPASSWORD: string) =>
      postgres.run('psql --host=localhost --username=pets --command="SELECT 1" pets', {
        ...postgres.env,
        PGPASSWORD,
      })
    await expect(login('first')).rejects.toThrow('password authentication failed')
    const renewed = await Bun.file(join(postgres.folder, 'work/password.new')).text()
    expect(await login(renewed)).toContain('1 row')
    // Without the file a new connection fails, and the open ones go on.
    await traffic.answers(20)
    await Bun.write(join(postgres.folder, 'password'), renewed)
    await using next = dogs()
    expect(await names((await next.ready()).url)).toEqual(await names(url))
    await traffic.stop()
    expect(traffic.failures).toEqual([])
  })
})

/** Reads a list again and again, until it is stopped. */
class Reader implements AsyncDisposable {
  readonly failures: string[] = []
  answered = 0
  #next = Promise.withResolvers<void>()
  readonly #over = new AbortController()
  readonly #reading: Promise<void>

  constructor(url: string) {
    this.#reading = this.#read(url)
  }

  async #read(url: string): Promise<void> {
    while (!this.#over.signal.aborted) {
      const response = await fetch(url)
      if (!response.ok) this.failures.push(`${response.status} ${await response.text()}`)
      else await response.body?.cancel()
      this.answered++
      this.#next.resolve()
      this.#next = Promise.withResolvers<void>()
    }
  }

  /** Resolves after so many more responses. */
  async answers(count: number): Promise<void> {
    for (const until = this.answered + count; this.answered < until;) await this.#next.promise
  }

  async stop(): Promise<void> {
    this.#over.abort()
    await this.#reading
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}
