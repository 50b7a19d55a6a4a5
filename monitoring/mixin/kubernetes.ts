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

/** Scrapes the admin ports of the pods of the apps and of the exporter. The job is the name of the app. */
export const podMonitor = ({ edge, services, exporter }: Apps, jobLabel = 'job') => ({
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'PodMonitor',
  metadata: metadata(NAME),
  spec: {
    selector: {
      matchExpressions: [
        { key: POD_LABEL, operator: 'In', values: [...new Set([...edge, ...services, exporter])] },
      ],
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
