import { expect, test } from 'bun:test'
import { datasource } from './variables.ts'

const readYaml = async (path: string) =>
  Bun.YAML.parse(await Bun.file(new URL(path, import.meta.url)).text()) as Record<string, any>

test('the data source has the scrape interval of Prometheus', async () => {
  const prometheus = await readYaml('../prometheus/prometheus.yml')
  const provisioned = await readYaml('provisioning/datasources/prometheus.yml')
  expect(provisioned.datasources).toMatchObject([
    {
      uid: 'prometheus',
      type: datasource.type,
      jsonData: { timeInterval: prometheus.global.scrape_interval },
    },
  ])
})

test('provisioned objects cannot be changed in the browser', async () => {
  const { datasources } = await readYaml('provisioning/datasources/prometheus.yml')
  const { providers } = await readYaml('provisioning/dashboards/dashboards.yml')
  expect(datasources).toMatchObject([{ editable: false }])
  expect(providers).toMatchObject([{ allowUiUpdates: false, disableDeletion: true }])
})

test('addresses and folders come from the environment', async () => {
  const { datasources } = await readYaml('provisioning/datasources/prometheus.yml')
  const { providers } = await readYaml('provisioning/dashboards/dashboards.yml')
  expect(datasources).toMatchObject([{ url: '${PROMETHEUS_URL}' }])
  expect(providers).toMatchObject([{ options: { path: '${DASHBOARDS_PATH}' } }])
})
