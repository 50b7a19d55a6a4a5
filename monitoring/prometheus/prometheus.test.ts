/**
 * Both configurations agree, and every promtool accepts the files that Prometheus loads. Without promtool these tests are
 * skipped with a message; if CI is set they fail.
 */

import { describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { kinds } from '../../services/testing_kinds.ts'
import { objectives } from '../objectives.ts'
import { render, ruleFiles as rulesOf } from '../rules/files.ts'
import { PERIOD_DAYS } from '../rules/objective.ts'
import { stack } from '../stack.ts'
import { isPromtoolExpected, promtool, promtools } from './promtool.ts'

const ports = {
  gateway: 9000,
  ...Object.fromEntries(kinds.map(({ name, defaults }) => [name, defaults.adminPort])),
  exporter: 9117,
  prometheus: 9090,
  node: 9100,
}
const roles = Object.keys(ports)
const FEATURE = '--enable-feature=created-timestamp-zero-ingestion'

type Job = {
  job_name: string
  params?: object
  file_sd_configs?: { files: string[] }[]
  dns_sd_configs?: object[]
}
type Config = { alerting: unknown; scrape_configs: Job[] }

const readYaml = async (path: string) => Bun.YAML.parse(await Bun.file(`${import.meta.dir}/${path}`).text())
const local = (await readYaml('prometheus.yml')) as Config
const compose = (await readYaml('prometheus.compose.yml')) as Config

test('one job for each role, its targets in the file of its name', () => {
  expect(local.scrape_configs.map(({ job_name, file_sd_configs }) => [job_name, file_sd_configs])).toEqual(
    roles.map((role) => [role, [{ files: [`targets/${role}.yml`] }]]),
  )
})

test.each(Object.entries(ports))(
  'on one machine %s has one address, node_exporter none',
  async (role, port) => {
    const expected = role === 'node' ? [] : [{ targets: [`127.0.0.1:${port}`] }]
    expect(await readYaml(`targets/${role}.yml`)).toEqual(expected)
  },
)

test('in compose every address of the DNS name of a role is a target', () => {
  expect(compose.scrape_configs.map(({ job_name, dns_sd_configs }) => [job_name, dns_sd_configs])).toEqual(
    Object.entries(ports).map(([role, port]) => [
      role,
      [{ names: [role], type: 'A', port, refresh_interval: '10s' }],
    ]),
  )
})

test('both configurations differ only in the discovery of targets', () => {
  const nowhere = { file_sd_configs: undefined, dns_sd_configs: undefined }
  const withoutPlaces = (config: Config) => ({
    ...config,
    alerting: undefined,
    scrape_configs: config.scrape_configs.map((job) => Object.assign({}, job, nowhere)),
  })
  expect(withoutPlaces(compose)).toEqual(withoutPlaces(local))
})

test('our pages are asked since when series count, and each Prometheus has the feature for it', async () => {
  const asked = local.scrape_configs.filter(({ params }) => Bun.deepEquals(params, { created: ['1'] }))
  expect(asked.map(({ job_name }) => job_name)).toEqual(['gateway', ...stack.services, 'exporter'])
  const root = join(import.meta.dir, '../..')
  for (const path of ['compose.yml', 'deploy/swarm/stack.yml']) {
    const { services } = Bun.YAML.parse(await Bun.file(join(root, path)).text()) as {
      services: { prometheus: { command: string[] } }
    }
    expect([path, services.prometheus.command]).toEqual([path, expect.arrayContaining([FEATURE])])
  }
})

test('the committed rule files are what `bun run dashboards` writes, and there is no other', async () => {
  const files = rulesOf(stack, objectives)
  expect(filesIn('rules')).toEqual(files.map(({ name }) => `rules/${name}.yml`).toSorted())
  for (const file of files) {
    expect(await Bun.file(`${import.meta.dir}/rules/${file.name}.yml`).text()).toBe(render(file))
  }
})

describe.skipIf(!isPromtoolExpected).each(promtools)('%s', (program) => {
  test.each([
    ['check', 'config', '--lint-fatal', 'prometheus.yml'],
    ['check', 'config', '--lint-fatal', 'prometheus.compose.yml'],
    ['check', 'rules', '--lint-fatal', ...filesIn('rules')],
    ['test', 'rules', ...filesIn('rules.test')],
  ])('%s %s %s passes', async (...command) => {
    const result = await promtool(program, ...command)
    expect(result).toEqual({ exitCode: 0, output: expect.not.stringMatching(/warning|error/i) })
  })
})

function filesIn(folder: string): string[] {
  return [...new Bun.Glob(`${folder}/*.yml`).scanSync(import.meta.dir)].toSorted()
}

test('every Prometheus that we start keeps the days of the objectives', async () => {
  const files = ['compose.yml', 'deploy/swarm/stack.yml', 'scripts/prometheus.ts']
  for (const file of files) {
    const [, days] = /--storage\.tsdb\.retention\.time=(\d+)d/.exec(
      await Bun.file(join(import.meta.dir, '../..', file)).text(),
    )!
    expect([file, Number(days) > PERIOD_DAYS]).toEqual([file, true])
  }
})
