/** The rules and dashboards as objects of Kubernetes, for the Prometheus operator and for Grafana's sidecar. */

import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import type { Apps, RuleFile } from '../rules/rule.ts'

const NAME = 'bun-monitoring'
const POD_LABEL = 'app.kubernetes.io/name'
const metadata = (name: string, labels = {}) => ({
  name,
  labels: { 'app.kubernetes.io/part-of': NAME, ...labels },
})

/** All rules in one object. */
export const prometheusRule = (files: readonly RuleFile[]) => ({
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'PrometheusRule',
  metadata: metadata(NAME),
  spec: { groups: files.flatMap(({ groups }) => groups) },
})

const jobsOf = ({ edge, services, exporter }: Apps) => [...new Set([...edge, ...services, exporter])]

/** Whether every job may be the value of a label of a pod: at most 63 letters, digits, dots, dashes and underscores. */
export const isSelectable = (apps: Apps): boolean =>
  jobsOf(apps).every((job) => /^[a-z0-9]([\w.-]{0,61}[a-z0-9])?$/i.test(job))

/** Scrapes the admin ports of the pods of the apps and of the exporter. The job is the name of the app. */
export const podMonitor = (apps: Apps, jobLabel = 'job') => ({
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'PodMonitor',
  metadata: metadata(NAME),
  spec: {
    selector: {
      matchExpressions: [{ key: POD_LABEL, operator: 'In', values: jobsOf(apps) }],
    },
    podMetricsEndpoints: [
      {
        port: 'admin',
        interval: '10s',
        relabelings: [
          {
            sourceLabels: [`__meta_kubernetes_pod_label_${POD_LABEL.replace(/\W/g, '_')}`],
            targetLabel: jobLabel,
          },
        ],
      },
    ],
  },
})

/** One object for each dashboard. Grafana's sidecar finds it by its label. */
export const dashboardMap = (dashboard: Dashboard, json: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: metadata(`${NAME}-${dashboard.uid}`, { grafana_dashboard: '1' }),
  data: { [`${dashboard.uid}.json`]: json },
})
