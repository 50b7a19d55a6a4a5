import { afterEach, beforeEach, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { newSocketFolder, parentOf } from './socket_folder.ts'

let parent: string
beforeEach(() => void (parent = mkdtempSync(join(tmpdir(), 'sockets-'))))
afterEach(() => rmSync(parent, { recursive: true }))

/** A folder that a launcher makes, and the end of that launcher by SIGKILL. */
async function killedLauncher(): Promise<string> {
  const code = `import { newSocketFolder } from '${import.meta.dir}/socket_folder.ts'
    console.log(newSocketFolder('${parent}')); setInterval(() => {}, 1e6)`
  const launcher = Bun.spawn([process.execPath, '-e', code], { stdout: 'pipe' })
  const { value } = await launcher.stdout.getReader().read()
  launcher.kill('SIGKILL')
  await launcher.exited
  return new TextDecoder().decode(value).trim()
}

test('the folder of a launcher that was killed is removed at the next start, with its sockets', async () => {
  const left = await killedLauncher()
  writeFileSync(join(left, 'dogs.1.sock'), '')
  const folder = newSocketFolder(parent)
  expect(readdirSync(parent)).toEqual([basename(folder)])
})

test('folders of living launchers, of other containers and of other programs stay', () => {
  const first = newSocketFolder(parent)
  const others = ['bun-stack-1-1-aaaaaa', 'bun-1-aaaaaa', `x-bun-stack-1-${process.pid}-a`]
  for (const name of others) mkdirSync(join(parent, name))
  const second = newSocketFolder(parent)
  expect(readdirSync(parent).toSorted()).toEqual([basename(first), basename(second), ...others].toSorted())
})

test('the folder of another user stays', async () => {
  const left = await killedLauncher()
  newSocketFolder(parent, process.getuid!() + 1)
  expect(readdirSync(parent)).toContain(basename(left))
})

test('a folder for temporary files that is missing, or too long for sockets, is replaced by /tmp', () => {
  expect(parentOf(parent)).toBe(parent)
  expect(parentOf(join(parent, 'missing'))).toBe('/tmp')
  const [longest, longer] = [39, 40].map((length) => join(parent, 'a'.repeat(length - parent.length)))
  for (const folder of [longest!, longer!]) mkdirSync(folder)
  expect([parentOf(longest!), parentOf(longer!)]).toEqual([longest!, '/tmp'])
})

test('the path of a socket in it is short enough for every system', () => {
  // macOS has the longest temporary folder, 49 bytes, and room for 103.
  const name = basename(newSocketFolder(parent))
  expect(49 + `${name}/gateway.100.sock`.length).toBeLessThanOrEqual(103)
})
