/**
 * Each operation once on a row of its own, before the load begins. If the system is not there, or is another one, the run ends here
 * with a line that says so, not after a minute of failed requests.
 */

import exec from 'k6/execution'
import type { RefinedResponse } from 'k6/http'
import { changedPet, newPet } from './pets.ts'
import { baseUrl, send, type Service } from './requests.ts'

/** Ends the whole run at the first response with another status than the right one. */
export async function preflight(service: Service): Promise<void> {
  expectStatus(200, await send('list', service))
  const created = expectStatus(201, await send('create', service, { body: newPet() }))
  const id = created.json('id') as number
  expectStatus(200, await send('change', service, { id, body: changedPet() }))
  expectStatus(200, await send('delete', service, { id }))
}

function expectStatus(expected: number, response: RefinedResponse<'text'>): RefinedResponse<'text'> {
  const { status, error, request } = response
  if (status === 0)
    exec.test.abort(
      `nothing answers at ${baseUrl} (${error}): start the system with "bun run up", or name another with -e BASE_URL=<url>`,
    )
  if (status !== expected)
    exec.test.abort(
      `${request.method} ${request.url} answered ${status} instead of ${expected}: is ${baseUrl} the gateway?`,
    )
  return response
}
