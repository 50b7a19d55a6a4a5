/**
 * The variables at the top of every dashboard: data source, apps, instances. "All" is `.+`, which does not match series
 * without the label.
 */

import {
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard'

/** The data source of every panel and of the variables below. */
export const datasource = { type: 'prometheus', uid: '${datasource}' }

/** In the order in which Grafana shows them. The list of instances depends on the chosen jobs. */
export const variables = [
  new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'),
  choiceOf('job', 'App', 'label_values(up, job)'),
  choiceOf('instance', 'Instance', 'label_values(up{job=~"$job"}, instance)'),
]

/** A variable with several values of a label, or all. */
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
