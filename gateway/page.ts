/** The page at `/`: what this is and where to look. Not for monitoring, which has ports of its own. */
import { readFileSync } from 'node:fs'
import { ownAnswer } from './own_answers.ts'
import type { Route } from './routes.ts'

/** The page's id in metrics. */
export const PAGE = 'page'

/** Takes `/` alone, where no route of the file does. */
export const pageRoute: Route = {
  id: PAGE,
  host: '',
  path: Buffer.from('/'),
  methods: ['GET', 'HEAD'],
  forward: undefined,
  answer: ownAnswer(
    200,
    { 'Content-Type': 'text/html; charset=utf-8' },
    readFileSync(`${import.meta.dir}/page.html`),
  ),
}
