/**
 * The access log: one JSON line for each request, or for each failed one. Lines are collected and written together, so
 * that no request waits for the output. The number of lines about failed requests is bounded in each second.
 */

export const ACCESS_LOGS = ['off', 'errors', 'all'] as const
export type AccessLogMode = (typeof ACCESS_LOGS)[number]

export interface AccessLogConfig {
  access: AccessLogMode
  /** Lines in one second with `errors`. */
  errorsPerSecond: number
  /** The share of requests with a status of 2xx that have a line with `all`. */
  sample2xx: number
}

/** The fields of a line. Those that are undefined are left out. Local replies have no duration. */
export interface AccessLogEntry {
  client: string
  host?: string | undefined
  user_agent?: string | undefined
  /** The address of the upstream's target. */
  target?: string | undefined
  trace_id?: string | undefined
  /** Method and target as received; empty if they could not be read. */
  request: string
  route: string
  status: number
  /** Until the head of the response. */
  seconds?: number | undefined
  received_bytes?: number | undefined
  sent_bytes?: number | undefined
  request_id?: string | undefined
  /** The reason of a rejection, or the failure of the upstream. */
  reason?: string | undefined
  /** The rule that a malformed response breaks. */
  rule?: string | undefined
}

const BUFFERED_CHARS = 65_536

export class AccessLog {
  #lines = ''
  #second = 0
  #inSecond = 0
  #leftOut = 0

  /** @param leftOut counts the lines that are left out */
  constructor(
    readonly config: AccessLogConfig,
    readonly write: (lines: string) => void,
    readonly leftOut?: { inc(): void },
  ) {}

  /** @param mode that of the route */
  takes(status: number, mode: AccessLogMode): boolean {
    if (mode === 'all') return status < 200 || status > 299 || this.#isSampled()
    return mode === 'errors' && status >= 400
  }

  add(mode: AccessLogMode, entry: AccessLogEntry): void {
    if (mode === 'errors' && !this.#fits()) return
    this.#append('info', 'request', entry)
  }

  /** Writes the collected lines. */
  flush(): void {
    this.#reportLeftOut()
    if (this.#lines === '') return
    this.write(this.#lines)
    this.#lines = ''
  }

  #append(level: string, msg: string, fields: object): void {
    // The same first fields as the process's other log lines, so that the same tools read both.
    const head = `{"level":"${level}","time":${Date.now()},"name":"gateway","msg":"${msg}",`
    this.#lines += `${head}${JSON.stringify(fields).slice(1)}\n`
    if (this.#lines.length > BUFFERED_CHARS) this.flush()
  }

  #isSampled(): boolean {
    const share = this.config.sample2xx
    return share === 1 || Math.random() < share
  }

  #fits(): boolean {
    this.#reportLeftOut()
    if (this.#inSecond++ < this.config.errorsPerSecond) return true
    this.#leftOut++
    this.leftOut?.inc()
    return false
  }

  /** Starts a new second, with a line about those that were left out in the last one. */
  #reportLeftOut(): void {
    const second = Math.floor(Date.now() / 1000)
    if (second === this.#second) return
    this.#second = second
    this.#inSecond = 0
    const lines = this.#leftOut
    this.#leftOut = 0
    if (lines > 0)
      this.#append('warn', 'access log lines were left out: more than errors_per_second', { lines })
  }
}
