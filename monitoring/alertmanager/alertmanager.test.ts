/**
 * A real Alertmanager with the committed file sends each alert to the right receiver. The alerts have the labels that their
 * rules give them. Without the programs these tests are skipped with a message; if CI is set they fail.
 */

import { describe, expect, test } from 'bun:test'
import { isExpected } from '@bun-monitoring/prefork/testing'
import { alertRules, firingOf } from '../prometheus/rules.ts'
import { alertCases } from '../prometheus/testdata/alerts.ts'
import { type Labels, program, StandIn } from './testing.ts'

const hasAmtool = isExpected(
  Bun.which('amtool') !== null,
  'amtool is not on PATH, so nothing checks the syntax of alertmanager.yml',
)
const hasAlertmanager = isExpected(
  program !== null,
  'alertmanager is not on PATH, so nothing checks the receivers of alerts',
)

/** The labels of an alert as its rule sets them, for a series of dogs in its cases or for another series. */
function labelsOf(alertname: string, of?: Labels, window?: string): Labels {
  const rule = alertRules.find(
    ({ alert, labels }) => alert === alertname && (window === undefined || labels['window'] === window),
  )!
  const labels = (alertCases[alertname] ?? [])
    .flatMap(({ looks }) => Object.values(looks).flat())
    .map((firing) => firingOf(rule, firing.labels).exp_labels)
    .find(({ app }) => app === 'dogs' || alertname === 'ExporterTargetDown')
  return { alertname, ...(of ? firingOf(rule, of).exp_labels : labels) }
}

const burn = (objective: string, window: string) =>
  labelsOf(`Edge${objective}BudgetBurn`, { job: 'gateway' }, window)
const SLOW_MS = 120_000
const cats = { job: 'cats', instance: 'cats:9002' }
const names = (alerts: readonly Labels[]) => alerts.map(({ alertname }) => alertname!).toSorted()

test.skipIf(!hasAmtool)('amtool accepts the file', async () => {
  const command = ['amtool', 'check-config', `${import.meta.dir}/alertmanager.yml`]
  const run = Bun.spawn(command, { stdout: 'pipe', stderr: 'pipe' })
  expect(await new Response(run.stdout).text()).toContain('SUCCESS')
  expect(await run.exited).toBe(0)
})

describe.skipIf(!hasAlertmanager)('Alertmanager', () => {
  test(
    'each severity has its receiver, and Watchdog is sent again and again',
    async () => {
      await using alertmanager = await StandIn.start()
      await alertmanager.post([labelsOf('AppDown'), labelsOf('DatabaseSlow', cats), labelsOf('Watchdog', {})])
      const messages = (await alertmanager.told(4)).slice(0, 4)
      expect(messages.map(({ receiver, alerts }) => `${receiver} ${alerts}`).toSorted()).toEqual([
        'page AppDown',
        'ticket DatabaseSlow',
        'watchdog Watchdog',
        'watchdog Watchdog',
      ])
    },
    SLOW_MS,
  )

  test(
    'all pages of an app are one message, separate from those of another app',
    async () => {
      await using alertmanager = await StandIn.start()
      await alertmanager.post([
        labelsOf('AppDown'),
        labelsOf('UpstreamDown'),
        labelsOf('NoWorkerReady'),
        labelsOf('AppDown', { job: 'cats' }),
      ])
      expect((await alertmanager.told(2)).map(({ alerts }) => alerts).toSorted()).toEqual([
        'AppDown',
        'AppDown NoWorkerReady UpstreamDown',
      ])
    },
    SLOW_MS,
  )

  test.each([
    {
      claim: 'an app that is down inhibits its tickets, not those of another app',
      sources: [labelsOf('UpstreamDown'), labelsOf('AppDown'), labelsOf('NoWorkerReady')],
      explained: [
        labelsOf('ServiceErrors'),
        labelsOf('UpstreamNoAnswer'),
        labelsOf('RequestsAbandoned'),
        labelsOf('TargetDown'),
      ],
      other: labelsOf('ServiceErrors', cats),
    },
    {
      claim: 'a replica that is down inhibits tickets about itself, not about its app or another replica',
      sources: [labelsOf('TargetDown'), labelsOf('ServiceErrors'), labelsOf('ServiceSlow')],
      explained: [labelsOf('ExporterTargetDown'), labelsOf('RequestsAbandoned')],
      other: labelsOf('RequestsAbandoned', { job: 'dogs', instance: 'dogs2:9001' }),
    },
    {
      claim: 'a fast burn inhibits the slow one of its objective, not that of another objective',
      sources: [burn('Error', '1h')],
      explained: [burn('Error', '3d')],
      other: burn('Latency', '3d'),
    },
    {
      claim: 'workers that die inhibit alerts about failed requests, not about slow ones',
      sources: [labelsOf('WorkerCrashLooping')],
      explained: [
        labelsOf('RequestsAbandoned'),
        labelsOf('RetriesNearBudget'),
        labelsOf('UpstreamNoAnswer'),
        labelsOf('UpstreamConnectsFailing'),
      ],
      other: labelsOf('DatabaseSlow'),
    },
  ])(
    '$claim',
    async ({ sources, explained, other }) => {
      await using alertmanager = await StandIn.start()
      await alertmanager.post([...sources, ...explained, other])
      const groups = new Set([...sources, other].map((labels) => `${labels['app']} ${labels['severity']}`))
      const told = (await alertmanager.told(groups.size)).flatMap(({ alerts }) => alerts.split(' '))
      expect(told.toSorted()).toEqual(names([...sources, other]))
      expect(await alertmanager.hidden()).toEqual(names(explained))
    },
    SLOW_MS,
  )

  test(
    'burn rates are sent beside any other alert, and a ticket is sent when the page that inhibits it ends',
    async () => {
      await using alertmanager = await StandIn.start()
      const page = labelsOf('UpstreamDown')
      await alertmanager.post([page, labelsOf('ServiceErrors'), burn('Error', '1h')])
      const first = (await alertmanager.told(2)).map(({ alerts }) => alerts)
      expect(first.toSorted()).toEqual(['EdgeErrorBudgetBurn', 'UpstreamDown'])
      await alertmanager.post([page], true)
      const later = (await alertmanager.told(4)).slice(2).map(({ status, alerts }) => `${status} ${alerts}`)
      expect(later.toSorted()).toEqual(['firing ServiceErrors', 'resolved UpstreamDown'])
    },
    SLOW_MS,
  )
})
