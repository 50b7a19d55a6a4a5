/**
 * The access log: one JSON line for each request, or for each failed one. Lines are collected and written together, so
 * that no request waits for the output.
 */

export const ACCESS_LOGS = ['off', 'errors', 'all'] as const
export type AccessLogMode = (typeof ACCESS_LOGS)[number]

/** The fields of a line. Local replies have no duration. */
export interface AccessLogEntry {
  client: string
  /** Method and target as received; empty if they could not be read. */
  request: string
  route: string
  status: number
  /** Until the head of the response. */
  seconds?: number
  received_bytes?: number
  sent_bytes?: number
  request_id?: string
  /** The reason of a rejection, or the failure of the upstream. */
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
    // The same first fields as the process's other log lines, so that the same tools read both.
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
