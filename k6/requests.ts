/**
 * The requests that users send, each checked and tagged: `op` for thresholds, `name` so that ids in paths do
 * not become series of their own. load_test.ts decides which are sent when.
 */

import { check } from 'k6'
import http, { type RefinedResponse } from 'k6/http'

/** Two services, one API. */
export const services = ['dogs', 'cats'] as const
export type Service = (typeof services)[number]

/** The gateway, which all requests go to. */
export const baseUrl = __ENV.BASE_URL ?? 'http://127.0.0.1:8000'

// Another user may have deleted a row since it was seen, so 404 is right for a row.
const requests = {
  list: { method: 'GET', path: '/', statuses: [200] },
  create: { method: 'POST', path: '/', statuses: [201] },
  change: { method: 'PUT', path: '/:id/', statuses: [200, 404] },
  delete: { method: 'DELETE', path: '/:id/', statuses: [200, 404] },
  clean: { method: 'GET', path: '/clean/', statuses: [200] },
}

type Details = { id?: number; body?: object }

/** Sends one request and checks the status of its response. */
export async function send(
  op: keyof typeof requests,
  service: Service,
  details: Details = {},
): Promise<RefinedResponse<'text'>> {
  const { method, path, statuses } = requests[op]
  const url = baseUrl + `/${service}${path}`.replace(':id', String(details.id))
  const body = details.body === undefined ? null : JSON.stringify(details.body)
  const response = await http.request(method, url, body, {
    headers: body === null ? {} : { 'Content-Type': 'application/json' },
    tags: { op, name: `${method} /${service}${path}` },
    responseCallback: http.expectedStatuses(...statuses),
    responseType: 'text',
  })
  check(response, { [`${op} answers ${statuses.join(' or ')}`]: ({ status }) => statuses.includes(status) })
  return response
}
