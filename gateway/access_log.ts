/**
 * The access log: one JSON line for each request, of all or of those that failed. Lines are collected and written
 * together, so that a request does not wait for whoever reads them.
 */

export const ACCESS_LOGS = ['off', 'errors', 'all'] as const
export type AccessLogMode = (typeof ACCESS_LOGS)[number]

/** What a line says of a request. What the gateway answered itself took no time and is of no size to speak of. */
export interface AccessLogEntry {
  client: string
  /** Method and target as they came, empty where they could not be read. */
  request: string
  route: string
  status: number
  /** Until the head of the answer. */
  seconds?: number
  received_bytes?: number
  sent_bytes?: number
  request_id?: string
  /** Why the gateway refused it, or what the upstream did. */
  reason?: string
}

const BUFFERED_CHARS = 65_536

export class AccessLog {
  #lines = ''

  constructor(
    readonly mode: AccessLogMode,
    readonly write: (lines: string) => void,
  ) {}

  get isOn(): boolean {
    return this.mode !== 'off'
  }

  takes(status: number): boolean {
    return this.mode === 'all' || (this.mode === 'errors' && status >= 400)
  }

  add(entry: AccessLogEntry): void {
    // As the process's other lines, so that whoever reads those reads these.
    const head = `{"level":"info","time":${Date.now()},"name":"gateway","msg":"request",`
    this.#lines += `${head}${JSON.stringify(entry).slice(1)}\n`
    if (this.#lines.length > BUFFERED_CHARS) this.flush()
  }

  flush(): void {
    if (this.#lines === '') return
    this.write(this.#lines)
    this.#lines = ''
  }
}
