/** Errors as `application/problem+json` (RFC 9457), with the titles of RFC 9110. */
import { STATUS_CODES } from 'node:http'

/** Where Node's table has the words of an older RFC, or none. 499 is nginx's code for a client that hung up. */
const TITLES: Record<number, string> = {
  413: 'Content Too Large',
  422: 'Unprocessable Content',
  499: 'Client Closed Request',
}

/** The title of a status as RFC 9110 has it: 413 is "Content Too Large". An unknown status is an "Error". */
export const statusTitle = (status: number): string => TITLES[status] ?? STATUS_CODES[status] ?? 'Error'

export interface Problem {
  type: 'about:blank'
  title: string
  status: number
  detail: string
}

export const problemBody = (status: number, detail: string): Problem => ({
  type: 'about:blank',
  title: statusTitle(status),
  status,
  detail,
})

export const PROBLEM_JSON = 'application/problem+json'

export function problem(status: number, detail: string, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(problemBody(status, detail)), {
    status,
    headers: { 'Content-Type': PROBLEM_JSON, ...headers },
  })
}
