/** The page of metrics says where each route goes. */
import { expect, test } from 'bun:test'
import { startGateway } from '../testing.ts'

test('each route has its host, path and upstream; one that responds itself has no upstream', async () => {
  await using gateway = startGateway('http://127.0.0.1:1', {
    routes: [
      { id: 'dogs', hosts: ['pets.example', '*.pets.example'], path: '/dogs', upstream: 'dogs' },
      {
        id: 'robots',
        path: '/robots.txt',
        respond: { status: 200, type: 'text/plain', body: 'User-agent: *' },
      },
    ],
  })
  const of = (labels: string) => gateway.metric(`gateway_route_info{${labels}}`)
  expect(await of('http_route="dogs",host="pets.example",path="/dogs",upstream="dogs"')).toBe(1)
  expect(await of('http_route="dogs",host="*.pets.example",path="/dogs",upstream="dogs"')).toBe(1)
  expect(await of('http_route="robots",host="",path="/robots.txt",upstream=""')).toBe(1)
})
