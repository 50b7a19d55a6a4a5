/**
 * That the scrape configuration and the two sets of targets agree, and that promtool accepts what Prometheus
 * will load. Without promtool the latter is skipped, loudly; where CI is set it fails.
 */

import { expect, test } from 'bun:test'

const roles = ['gateway', 'dogs', 'cats', 'exporter', 'prometheus']

type Config = { scrape_configs: { job_name: string; file_sd_configs: { files: string[] }[] }[] }

const readYaml = async (path: string) => Bun.YAML.parse(await Bun.file(`${import.meta.dir}/${path}`).text())

test('one job for each role, its targets in the file of its name', async () => {
  const { scrape_configs } = (await readYaml('prometheus.yml')) as Config
  expect(scrape_configs.map(({ job_name, file_sd_configs }) => [job_name, file_sd_configs])).toEqual(
    roles.map((role) => [role, [{ files: [`targets/${role}.yml`] }]]),
  )
})

test.each([
  [
    'targets',
    {
      gateway: '127.0.0.1:9000',
      dogs: '127.0.0.1:9001',
      cats: '127.0.0.1:9002',
      exporter: '127.0.0.1:9117',
      prometheus: '127.0.0.1:9090',
    },
  ],
  [
    'targets.compose',
    {
      gateway: 'gateway:9000',
      dogs: 'dogs:9001',
      cats: 'cats:9002',
      exporter: 'exporter:9117',
      prometheus: 'prometheus:9090',
    },
  ],
])('%s has one address for each role', async (folder, addresses) => {
  expect(Object.keys(addresses)).toEqual(roles)
  const found = filesIn(folder).map(async (file) => [file, await readYaml(file)])
  expect(Object.fromEntries(await Promise.all(found))).toEqual(
    Object.fromEntries(
      Object.entries(addresses).map(([role, address]) => [`${folder}/${role}.yml`, [{ targets: [address] }]]),
    ),
  )
})

const isChecked = Bun.which('promtool') !== null || Bun.env.CI !== undefined
if (!isChecked)
  console.warn(
    'SKIPPED: promtool is not on PATH, so nothing checks the configuration and rules of Prometheus',
  )

test.skipIf(!isChecked).each([
  ['check', 'config', 'prometheus.yml'],
  ['check', 'rules', ...filesIn('rules')],
  ['test', 'rules', ...filesIn('rules.test')],
])('promtool %s %s passes', async (...command) => {
  const promtool = Bun.spawn(['promtool', ...command], {
    cwd: import.meta.dir,
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const output = (await new Response(promtool.stdout).text()) + (await new Response(promtool.stderr).text())
  expect({ exitCode: await promtool.exited, output }).toEqual({ exitCode: 0, output })
})

function filesIn(folder: string): string[] {
  return [...new Bun.Glob(`${folder}/*.yml`).scanSync(import.meta.dir)].toSorted()
}
