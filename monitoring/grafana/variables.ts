/**
 * The variables at the top of every dashboard: which Prometheus, which process families, which instances.
 * "All" is `.+`, so a series without the label is not selected by accident.
 */

import {
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard'

/** The data source of every panel and of the variables below. */
export const datasource = { type: 'prometheus', uid: '${datasource}' }

/** In the order Grafana shows them; an instance is one of the jobs chosen before it. */
export const variables = [
  new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'),
  choiceOf('job', 'App', 'label_values(up, job)'),
  choiceOf('instance', 'Instance', 'label_values(up{job=~"$job"}, instance)'),
]

/** Several values of a label, or all. */
export function choiceOf(name: string, label: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(datasource)
    .query(query)
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.+')
    .current({ text: 'All', value: '$__all' })
}
