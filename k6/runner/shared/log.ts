/** Log lines as k6 writes them: for people on a terminal, else as logfmt. */

export type Log = (level: 'error' | 'warning', message: string) => void

/** @param write gets each whole line */
export function newLog(write: (line: string) => void, isTerminal: boolean, startedMs = Date.now()): Log {
  return (level, message) => {
    if (!isTerminal)
      return write(`time="${new Date().toISOString()}" level=${level} msg=${JSON.stringify(message)}\n`)
    const seconds = Math.floor((Date.now() - startedMs) / 1000)
    return write(`${level.slice(0, 4).toUpperCase()}[${String(seconds).padStart(4, '0')}] ${message}\n`)
  }
}
