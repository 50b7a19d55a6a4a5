import { expect, test } from 'bun:test'
import { freePort } from '@bun-monitoring/prefork'
import { services } from '../services/names.ts'
import { checkPorts } from './ports.ts'

const [FIRST, SECOND] = [services[0], services[1]]
const NO_PORTS = Object.fromEntries(
  [...services, 'gateway'].flatMap((name) => [
    [`${name.toUpperCase()}_PORT`, '0'],
    [`${name.toUpperCase()}_ADMIN_PORT`, '0'],
  ]),
)

const listen = (reusePort = false) =>
  Bun.serve({ port: 0, hostname: '127.0.0.1', reusePort, fetch: () => new Response() })

/** @returns the message, if there is one */
const check = (...args: Parameters<typeof checkPorts>): Promise<string | undefined> =>
  checkPorts(...args).then(
    () => undefined,
    (error: Error) => error.message,
  )

const holder = `process ${process.pid} listens there: `

test('one message names every port that is taken, the program that has it, and the setting', async () => {
  await using one = listen()
  await using two = listen(true)
  await using three = listen()
  const env = {
    ...NO_PORTS,
    [`${FIRST.toUpperCase()}_PORT`]: `${one.port}`,
    [`${SECOND.toUpperCase()}_ADMIN_PORT`]: `${two.port}`,
  }
  const lines = (await check(env, [{ name: 'prometheus', port: three.port! }], '/nowhere'))!.split('\n')
  const stop = (port: number | undefined) => `port ${port} is taken: stop what listens on 127.0.0.1:${port}`
  expect(lines).toEqual([
    expect.stringContaining(
      `${FIRST} did not start: ${stop(one.port)} or set ${FIRST.toUpperCase()}_PORT (${holder}`,
    ),
    expect.stringContaining(
      `${SECOND} did not start: ${stop(two.port)} or set ${SECOND.toUpperCase()}_ADMIN_PORT (${holder}`,
    ),
    expect.stringContaining(`prometheus did not start: ${stop(three.port)} (${holder}`),
  ])
})

test('ports that are free, shared, or no ports stop nothing', async () => {
  await using shared = listen(true)
  const env = {
    ...NO_PORTS,
    GATEWAY_PORT: `${shared.port}`,
    GATEWAY_SHARE_PORT: 'yes',
    [`${FIRST.toUpperCase()}_PORT`]: 'many',
    [`${SECOND.toUpperCase()}_PORT`]: `${freePort()}`,
    [`${SECOND.toUpperCase()}_HOST`]: '203.0.113.1',
  }
  expect(await check(env, [])).toBeUndefined()
})

test('a stack of the same folder is told as such', async () => {
  const script = `const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() }); console.log(server.port)`
  await using stack = Bun.spawn(
    [process.execPath, '-e', `${script} // /some/checkout/services/dogs/index.ts`],
    {
      stdout: 'pipe',
      stderr: 'ignore',
    },
  )
  const { value } = await stack.stdout.getReader().read()
  const port = Number(new TextDecoder().decode(value))
  const others = [{ name: 'exporter', port }]
  expect(await check(NO_PORTS, others, '/some/checkout')).toBe(
    `the stack did not start: it runs already in /some/checkout, so port ${port} is taken: stop it there with Ctrl+C`,
  )
  expect(await check(NO_PORTS, others, '/some/check')).toStartWith(
    `exporter did not start: port ${port} is taken`,
  )
})
