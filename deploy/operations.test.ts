/**
 * The pages of operations/: each has commands for compose, Swarm and Kubernetes, and they name what the deploy files have. Other tests run
 * them as far as no cluster is needed: e2e/compose.test.ts and database.slow.test.ts.
 */
import { expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isKustomizeHere, readManifests } from './testing.ts'
import { commandsOf, PAGES, readPage } from './testing_pages.ts'

const WAYS = ['Compose', 'Swarm', 'Kubernetes']

test('there is a page for each task', () => {
  expect(PAGES).toEqual([
    'backup.md',
    'lost_node.md',
    'passwords.md',
    'replicas.md',
    'restore.md',
    'rollback.md',
    'upgrade.md',
  ])
})

test.each(PAGES)('%s has commands for compose, Swarm and Kubernetes', async (page) => {
  for (const way of WAYS) expect((await commandsOf(page, way)).length).toBeGreaterThan(0)
})

test.each(PAGES)('the links of %s lead to files, and the README of deploy leads to it', async (page) => {
  const links = [...(await readPage(page)).matchAll(/\]\(([^)#]+)/g)].map(([, link]) => link!)
  expect(links.filter((link) => !existsSync(join(import.meta.dir, 'operations', link)))).toEqual([])
  expect(await Bun.file(join(import.meta.dir, 'README.md')).text()).toContain(`(operations/${page})`)
})

test.skipIf(!isKustomizeHere)(
  'kubectl is told names that the manifests have',
  async () => {
    const manifests = await readManifests<{ kind: string; metadata: { name: string } }>()
    const known = new Set(manifests.map(({ kind, metadata: { name } }) => `${kind.toLowerCase()}/${name}`))
    const blocks = (await Promise.all(PAGES.map((page) => commandsOf(page, 'Kubernetes')))).flat()
    const told = blocks.flatMap((block) =>
      [...block.matchAll(/\b(deployment|statefulset|cronjob|horizontalpodautoscaler)[/ ]([\w-]+)/g)].map(
        ([, kind, name]) => `${kind}/${name}`,
      ),
    )
    expect(new Set(told).size).toBe(7)
    expect(told.filter((name) => !known.has(name))).toEqual([])
  },
  60_000,
)

test('docker is told names that the stack for Swarm has', async () => {
  const stack = Bun.YAML.parse(await Bun.file(join(import.meta.dir, 'swarm/stack.yml')).text()) as {
    services: Record<string, unknown>
    secrets: Record<string, unknown>
  }
  const text = (await Promise.all(PAGES.map((page) => commandsOf(page, 'Swarm')))).flat().join('\n')
  // A deploy after a rotation must not bring the old password back.
  expect(stack.secrets.postgres_password).toEqual({
    external: true,
    name: '${POSTGRES_SECRET:-postgres_password}',
  })
  expect(await readPage('passwords.md')).toContain('`POSTGRES_SECRET=postgres_password_2`')
  expect(text).toContain('--secret-add source=postgres_password_2,target=postgres_password')
  const services = [...text.matchAll(/bun-monitoring_(\w+)/g)].map(([, name]) => name!)
  expect(new Set(services)).toEqual(new Set(['dogs', 'cats', 'postgres', 'grafana']))
  expect(services.filter((name) => !Object.hasOwn(stack.services, name))).toEqual([])
  const removed = [...text.matchAll(/--secret-rm (\w+)/g)].map(([, name]) => name!)
  expect(removed).toEqual(['postgres_password', 'postgres_password'])
})
