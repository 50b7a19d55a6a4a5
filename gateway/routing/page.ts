/** The page at `/`: what the stack is and links to its parts. It is not for monitoring, which has ports of its own. */
import { PAGE } from '../config/problems.ts'
import { localReply } from './local_reply.ts'
import page from './page.html' with { type: 'text' }
import type { Route } from './route.ts'

/** Takes `/` alone, if no route of the file does. */
export const pageRoute: Route = {
  id: PAGE,
  host: '',
  path: Buffer.from('/'),
  methods: ['GET', 'HEAD'],
  forward: undefined,
  bodyBytes: Infinity,
  accessLog: undefined,
  reply: localReply(
    200,
    { 'Content-Type': 'text/html; charset=utf-8' },
    // The types describe an HTML module; as a text it is a string.
    page as unknown as string,
  ),
}
