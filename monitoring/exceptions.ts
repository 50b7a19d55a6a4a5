/**
 * Exceptions, each with its reason: families without a panel, and families that may have no series in a healthy stack under
 * load, so that a query for them may return nothing.
 */

import { families } from './families.ts'

/** Families that no panel shows. */
export const omitted: Readonly<Record<string, string>> = {
  process_cpu_user_seconds_total: 'a part of process_cpu_seconds_total',
  process_cpu_system_seconds_total: 'a part of process_cpu_seconds_total',
  process_cpu_seconds_total: 'the sum of the master and its workers, which have panels of their own',
  process_resident_memory_bytes: 'the sum of the master and its workers, which have panels of their own',
  process_open_fds: 'the sum of the master and its workers, which have panels of their own',
  gateway_route_info: 'the live page of the exporter shows where routes go',
  prefork_worker_virtual_memory_bytes: 'the engine reserves gigabytes of address space that it never uses',
}

/** Families whose first series appears with the first event of this kind. */
export const onlyAfter: Readonly<Record<string, string>> = {
  http_server_exceptions_total: 'an error: its type is not known before',
  db_client_operation_errors_total: 'an error: its code is not known before',
  db_client_connection_count: 'a service on PostgreSQL',
  db_client_connection_wait_time_seconds: 'a service on PostgreSQL',
  db_client_connection_timeouts_total: 'a service on PostgreSQL',
  prefork_last_reload_timestamp_seconds: 'a reload',
  ALERTS: 'an alert: panels leave out Watchdog',
  prefork_listen_overflows_total: 'a kernel that counts overflows (Linux)',
  gateway_rate_limited_total: 'a route whose rate is limited',
  gateway_upstream_queue_seconds: 'a request that waits: a quantile needs a value',
  node_cpu_seconds_total: 'a node_exporter',
  node_memory_MemAvailable_bytes: 'a node_exporter',
  node_memory_MemTotal_bytes: 'a node_exporter',
  node_filesystem_avail_bytes: 'a node_exporter',
  node_filesystem_size_bytes: 'a node_exporter',
  k6_dropped_iterations_total: 'an iteration for which no virtual user is free',
}

/** Whether a query of these metrics may return nothing in a healthy stack. */
export function mayBeEmpty(metrics: readonly string[]): boolean {
  return metrics.map(familyOf).some((name) => name in onlyAfter)
}

/** The family of a metric name: the suffixes of histograms are removed, unless the whole name is a family. */
export function familyOf(metric: string): string {
  return families.some(([name]) => name === metric) ? metric : metric.replace(/_(bucket|sum|count)$/, '')
}
