/** The page at `/`: what this is and where to look. Not for monitoring, which has ports of its own. */
import { readFileSync } from 'node:fs'
import { Refusal } from './failure.ts'

const html = readFileSync(`${import.meta.dir}/page.html`)

/** @throws {Refusal} for methods that do not read. */
export function pageAnswer(method: string): Response {
  if (method !== 'GET' && method !== 'HEAD') {
    throw new Refusal(405, 'This page only answers GET and HEAD', { Allow: 'GET, HEAD' })
  }
  return new Response(html, { headers: { 'Content-Type': 'text/html; charset=utf-8' } })
}
