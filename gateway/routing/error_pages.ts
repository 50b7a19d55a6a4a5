/** Error pages for clients that ask for HTML. Other clients get the error as problem+json. */
import type { ErrorPage } from '../config/gateway_file.ts'
import { type LocalReply, localReply } from './local_reply.ts'

/** Pages by status. */
export type ErrorPages = ReadonlyMap<number, ErrorPage>

export const NO_PAGES: ErrorPages = new Map()

/** @param pages in the order in which they are looked up: those of the route, and of the file */
export function withErrorPage(reply: LocalReply, acceptsHtml: boolean, ...pages: ErrorPages[]): LocalReply {
  if (reply.isProblem !== true || !acceptsHtml) return reply
  const page = pages.map((each) => each.get(reply.status)).find((each) => each !== undefined)
  if (page === undefined) return reply
  if ('location' in page) return localReply(302, { Location: page.location })
  const fields = reply.fields.replace(/^Content-Type: .*\r\n/m, 'Content-Type: text/html; charset=utf-8\r\n')
  return { ...reply, fields, body: Buffer.from(page.html) }
}
