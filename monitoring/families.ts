/**
 * Every family that the stack publishes, with its meaning: the table of the README, and what dashboards and rules may ask for. A
 * test compares it with the pages of the running stack, and demands that each is shown or omitted on purpose.
 */

/** Name, type, labels, meaning. */
export type Family = readonly [name: string, type: string, labels: string, meaning: string]

/** By gateway, dogs and cats; what is about databases and models only by the latter two. */
const processes: readonly Family[] = [
  [
    'http_server_request_duration_seconds',
    'histogram',
    'http_request_method, http_route, http_response_status_code',
    "time from a request's arrival to the head of its answer; every request once",
  ],
  ['http_server_active_requests', 'gauge', 'http_request_method', 'requests in flight'],
  [
    'http_server_abandoned_requests_total',
    'counter',
    '',
    'requests that were in flight in workers when they died: nobody knows whether they were answered',
  ],
  [
    'http_server_exceptions_total',
    'counter',
    'http_route, error_type',
    'errors that ended a request with a 5xx',
  ],
  [
    'db_client_operation_duration_seconds',
    'histogram',
    'db_system_name, db_operation_name, db_collection_name',
    'time of one database operation',
  ],
  [
    'db_client_operation_errors_total',
    'counter',
    'db_system_name, db_operation_name, db_collection_name, error_type',
    "operations that failed, by SQLite's code or PostgreSQL's SQLSTATE",
  ],
  ['db_client_connection_count', 'gauge', 'state', 'open connections to PostgreSQL: idle, used'],
  ['db_client_connection_wait_time_seconds', 'histogram', '', 'how long a statement waited for a connection'],
  [
    'db_client_connection_timeouts_total',
    'counter',
    '',
    'statements given up because no connection was free in time',
  ],
  ['model_inserts_total', 'counter', 'model', 'rows inserted, those of bulk operations one by one'],
  ['model_updates_total', 'counter', 'model', 'rows updated, those of bulk operations one by one'],
  ['model_deletes_total', 'counter', 'model', 'rows deleted, those of bulk operations one by one'],
  ['model_rows', 'gauge', 'model', 'rows of the table'],
  ['db_migrations_applied', 'gauge', '', 'schema migrations that the database has'],
  ['db_migrations_unapplied', 'gauge', '', 'schema migrations that the database lacks'],
  [
    'runtime_eventloop_lag_seconds',
    'histogram',
    '',
    'how late a timer fired because the event loop was busy',
  ],
  ['app_info', 'gauge', 'name, version, bun_version', 'the build that runs, always 1'],
  [
    'metrics_conflicts_total',
    'counter',
    '',
    'families that workers declare differently: the newer declaration is shown',
  ],
  ['metrics_damaged_regions', 'gauge', '', 'parts of the shared memory that cannot be read any further'],
  [
    'metrics_dropped_series_total',
    'counter',
    '',
    'events whose label set found no room, or was above its limit of 1000: they are counted under `__overflow__`',
  ],
  ['process_cpu_user_seconds_total', 'counter', '', 'CPU time of the master in its own code'],
  ['process_cpu_system_seconds_total', 'counter', '', 'CPU time of the master in the kernel'],
  ['process_cpu_seconds_total', 'counter', '', 'CPU time of the master'],
  ['process_start_time_seconds', 'gauge', '', 'start of the master, Unix time'],
  [
    'process_resident_memory_bytes',
    'gauge',
    '',
    'resident memory of the master; that of workers is prefork_worker_*',
  ],
  ['process_open_fds', 'gauge', '', 'open file descriptors of the master'],
  ['process_max_fds', 'gauge', '', 'file descriptors that it may have open'],
]

const gateway: readonly Family[] = [
  [
    'gateway_upstream_request_duration_seconds',
    'histogram',
    'upstream, http_response_status_code',
    'time from sending a request to an upstream to the head of its answer; status 0: no answer',
  ],
  ['gateway_upstream_attempts_total', 'counter', 'upstream', 'requests sent to an upstream, or tried to'],
  ['gateway_client_aborts_total', 'counter', '', 'clients that hung up before they had their answer'],
  [
    'gateway_upstream_connects_total',
    'counter',
    'upstream, result',
    'new connections to an upstream: ok, failed, timeout',
  ],
  ['gateway_upstream_connections', 'gauge', 'upstream, state', 'connections to an upstream: idle, active'],
  [
    'gateway_upstream_connect_seconds',
    'histogram',
    'upstream',
    'time until a new connection to an upstream was open',
  ],
  ['gateway_rejections_total', 'counter', 'reason', 'requests that the gateway refused itself, by why'],
  ['gateway_connections', 'gauge', 'state', 'connections of clients: reading, writing, waiting'],
  ['gateway_connections_accepted_total', 'counter', '', 'connections that clients opened'],
  ['gateway_received_bytes_total', 'counter', '', 'bytes from clients'],
  ['gateway_sent_bytes_total', 'counter', '', 'bytes to clients'],
  [
    'http_server_request_body_size_bytes',
    'histogram',
    'http_route',
    'bytes of request bodies, without their framing; gateway only',
  ],
  [
    'http_server_response_body_size_bytes',
    'histogram',
    'http_route',
    'bytes of answers, without their framing; gateway only',
  ],
  ['gateway_upstream_retries_total', 'counter', 'upstream, reason', 'attempts after the first, by why'],
  ['gateway_upstream_queue_length', 'gauge', 'upstream', 'requests that wait for a connection or a worker'],
  ['gateway_upstream_queue_seconds', 'histogram', 'upstream', 'how long they waited'],
  [
    'gateway_upstream_targets',
    'gauge',
    'upstream, state',
    'targets of an upstream: healthy, ejected, slow_start',
  ],
  ['gateway_config_reloads_total', 'counter', 'result', 'reloads of gateway.toml: success, failure'],
  [
    'gateway_config_last_reload_timestamp_seconds',
    'gauge',
    '',
    'when gateway.toml was last taken up, Unix time; absent before the first reload',
  ],
]

const exporter: readonly Family[] = [
  [
    'prefork_workers',
    'gauge',
    'app, target, state',
    'workers by state: starting, ready, busy, draining, hung, dead',
  ],
  ['prefork_worker_requests_total', 'counter', 'app, target, worker', 'requests that were answered'],
  ['prefork_worker_exceptions_total', 'counter', 'app, target, worker', 'errors that a handler threw'],
  [
    'prefork_worker_transmitted_bytes_total',
    'counter',
    'app, target, worker',
    'bytes that were sent in answers',
  ],
  ['prefork_worker_running_seconds_total', 'counter', 'app, target, worker', 'time spent in requests'],
  ['prefork_worker_cpu_seconds_total', 'counter', 'app, target, worker', 'CPU time, user and system'],
  ['prefork_worker_respawns_total', 'counter', 'app, target, worker', 'starts after the first'],
  ['prefork_worker_exits_total', 'counter', 'app, target, worker, reason', 'exits by reason'],
  ['prefork_worker_in_flight', 'gauge', 'app, target, worker', 'requests being served now'],
  ['prefork_worker_resident_memory_bytes', 'gauge', 'app, target, worker', 'resident memory'],
  ['prefork_worker_virtual_memory_bytes', 'gauge', 'app, target, worker', 'virtual memory'],
  ['prefork_worker_open_files', 'gauge', 'app, target, worker', 'open file descriptors'],
  [
    'prefork_worker_heartbeat_age_seconds',
    'gauge',
    'app, target, worker',
    'time since the event loop last turned',
  ],
  [
    'prefork_worker_eventloop_lag_seconds',
    'gauge',
    'app, target, worker',
    'how late the event loop was when it last turned',
  ],
  [
    'prefork_worker_oldest_request_seconds',
    'gauge',
    'app, target, worker',
    'age of the oldest request being served, 0 for none',
  ],
  [
    'prefork_worker_last_spawn_timestamp_seconds',
    'gauge',
    'app, target, worker',
    'start of the present process, Unix time',
  ],
  ['prefork_reloads_total', 'counter', 'app, target, result', 'rolling reloads by result: success, failure'],
  [
    'prefork_last_reload_timestamp_seconds',
    'gauge',
    'app, target',
    'end of the last reload, Unix time; absent before the first',
  ],
  [
    'prefork_listen_queue_length',
    'gauge',
    'app, target, socket',
    'connections waiting to be accepted, by socket',
  ],
  ['prefork_listen_queue_limit', 'gauge', 'app, target, socket', 'most connections that may wait, by socket'],
  [
    'prefork_listen_overflows_total',
    'counter',
    'target',
    "connections that found a full queue, in the target's whole network namespace: do not add targets up",
  ],
  ['exporter_target_up', 'gauge', 'target', '1 if the target answered with a stats document, else 0'],
  ['exporter_target_scrape_duration_seconds', 'gauge', 'target', 'time that reading the target took'],
  ['exporter_build_info', 'gauge', 'version, bun_version', '1, with version and bun_version'],
]

export const families: readonly Family[] = [...processes, ...gateway, ...exporter]
