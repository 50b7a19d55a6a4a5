/** The socket files of slots: their names, and when they are removed. */
import { afterEach, beforeEach, expect, test } from 'bun:test'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { temporaryFolder } from '../testdata/toys.ts'
import { StartError } from './bind.ts'
import { SlotSockets } from './slot_sockets.ts'

const HOST = hostname()
let folder: string
beforeEach(() => void (folder = temporaryFolder()))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const write = (name: string) => Bun.write(join(folder, name), '')
const files = () => readdirSync(folder).toSorted()

test('a worker binds a path of its region, which becomes that of its slot', async () => {
  const sockets = new SlotSockets(folder, 'dogs')
  const own = sockets.private(3)
  expect(own).toBe(join(folder, `.dogs.${HOST}.3`))
  const server = Bun.serve({ unix: own, fetch: () => new Response('hello') })
  sockets.publish(3, 2)
  const unix = join(folder, `dogs.${HOST}.2.sock`)
  expect(files()).toEqual([`dogs.${HOST}.2.sock`])
  expect(await (await fetch('http://localhost/', { unix, keepalive: false })).text()).toBe('hello')
  sockets.withdraw(1)
  expect(existsSync(unix)).toBe(true)
  sockets.withdraw(2)
  expect(existsSync(unix)).toBe(false)
  sockets.withdraw(2)
  await server.stop(true)
})

test('a file that a worker left at its private path is removed before the next one binds it', async () => {
  await write(`.dogs.${HOST}.3`)
  new SlotSockets(folder, 'dogs').private(3)
  expect(files()).toEqual([])
})

test('the files of an earlier cluster of this name and host are removed, and no others', async () => {
  const others = [`.dogs2.${HOST}.1`, `cats.${HOST}.1.sock`, 'dogs.another-host.1.sock', 'dogs.txt']
  for (const name of [`dogs.${HOST}.1.sock`, `.dogs.${HOST}.0`, ...others]) await write(name)
  const sockets = new SlotSockets(folder, 'dogs')
  await sockets.clear()
  expect(files()).toEqual(others.toSorted())
  await write(`dogs.${HOST}.7.sock`)
  sockets.remove()
  expect(files()).toEqual(others.toSorted())
})

test('the folder is made, and may be gone at the end', async () => {
  const sockets = new SlotSockets(join(folder, 'a', 'b'), 'dogs')
  await sockets.clear()
  expect(existsSync(join(folder, 'a', 'b'))).toBe(true)
  rmSync(join(folder, 'a'), { recursive: true })
  sockets.remove()
})

test('sockets of a cluster that ends within a second are waited for', async () => {
  const unix = join(folder, `dogs.${HOST}.1.sock`)
  const last = Bun.serve({ unix, fetch: () => new Response() })
  let isCleared = false
  const cleared = new SlotSockets(folder, 'dogs').clear().then(() => (isCleared = true))
  await Bun.sleep(100)
  expect(isCleared).toBe(false)
  await last.stop(true)
  await cleared
  expect(files()).toEqual([])
})

test('sockets of a cluster that goes on are an error, and stay', async () => {
  const unix = join(folder, `dogs.${HOST}.1.sock`)
  const other = Bun.serve({ unix, fetch: () => new Response() })
  const startedMs = performance.now()
  const error = await new SlotSockets(folder, 'dogs').clear().catch((each: Error) => each)
  expect(error).toBeInstanceOf(StartError)
  expect((error as Error).message).toStartWith(
    `${folder} cannot hold sockets: another dogs serves there: stop it`,
  )
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(999)
  expect(existsSync(unix)).toBe(true)
  await other.stop(true)
})

test('a cluster that is asked whether it serves keeps no connection of that', async () => {
  const unix = join(folder, `dogs.${HOST}.1.sock`)
  const [asked, left] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const other = Bun.listen({
    unix,
    socket: { open: () => asked.resolve(), data() {}, close: () => left.resolve() },
  })
  const cleared = new SlotSockets(folder, 'dogs').clear()
  await asked.promise
  await left.promise
  other.stop(true)
  await cleared
})

test('a path has room for the socket of the thousandth slot in 107 bytes, and not one more', async () => {
  const rest = Buffer.byteLength(join(folder, 'x', `dogs.${HOST}.1000.sock`)) - 1
  const pathOf = (bytes: number) => join(folder, 'x'.repeat(bytes - rest))
  await new SlotSockets(pathOf(107), 'dogs').clear()
  const error = await new SlotSockets(pathOf(108), 'dogs').clear().catch((each: Error) => each)
  expect(error).toBeInstanceOf(StartError)
  expect((error as Error).message).toEndWith('is too long for a socket: choose a shorter SOCKET_DIR')
})

test('a folder that cannot be made is an error', async () => {
  await write('file')
  const error = await new SlotSockets(join(folder, 'file', 'sub'), 'dogs')
    .clear()
    .catch((each: Error) => each)
  expect(error).toBeInstanceOf(StartError)
})
