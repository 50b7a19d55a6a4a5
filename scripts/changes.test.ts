import { expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { watchChanges } from './changes.ts'
import { services } from '../services/names.ts'
import type { PartName } from './stack.ts'

/** A folder with these files, and the changes that were seen in it. */
async function folderWith(...files: string[]) {
  const root = mkdtempSync(join(tmpdir(), 'changes-'))
  for (const file of files) {
    mkdirSync(join(root, file, '..'), { recursive: true })
    writeFileSync(join(root, file), 'old')
  }
  const seen: PartName[][] = []
  let onSeen = () => {}
  const watcher = await watchChanges(root, ['gateway', 'services'], async (parts) => {
    seen.push([...parts])
    onSeen()
  })
  return {
    root,
    seen,
    next: () => new Promise<void>((resolve) => (onSeen = resolve)),
    async [Symbol.asyncDispose]() {
      await watcher[Symbol.asyncDispose]()
      rmSync(root, { recursive: true })
    },
  }
}

test.each<[string, (path: string) => void]>([
  ['a write in place', (path) => writeFileSync(path, 'new')],
  [
    'a rename over the file, as vim, sed and git do',
    (path) => {
      writeFileSync(`${path}~`, 'new')
      renameSync(`${path}~`, path)
    },
  ],
])('%s is seen, again and again', async (_, save) => {
  await using folder = await folderWith('gateway/gateway.toml', 'services/pets/http/app.ts')
  for (const [file, parts] of [
    ['gateway/gateway.toml', ['gateway']],
    ['services/pets/http/app.ts', services],
    ['gateway/gateway.toml', ['gateway']],
  ] as const) {
    const next = folder.next()
    save(join(folder.root, file))
    await next
    expect(folder.seen.at(-1)).toEqual([...parts])
  }
})

test('files that are saved together are one change; those of no process are none', async () => {
  await using folder = await folderWith('gateway/index.ts', 'services/dogs/model.ts', 'services/x.test.ts')
  const next = folder.next()
  for (const file of ['services/x.test.ts', 'gateway/index.ts', 'services/dogs/model.ts'])
    writeFileSync(join(folder.root, file), 'new')
  await next
  expect(folder.seen.map((parts) => parts.toSorted())).toEqual([['dogs', 'gateway']])
})

test('saves while a change is handled do not queue one behind the other', async () => {
  const gate = Promise.withResolvers<void>()
  await using folder = await folderWith('gateway/index.ts')
  const handled: string[] = []
  const root = folder.root
  const first = Promise.withResolvers<void>()
  const done = Promise.withResolvers<void>()
  const read = () => readFileSync(join(root, 'gateway/index.ts'), 'utf8')
  const watcher = await watchChanges(root, ['gateway'], async () => {
    handled.push(read())
    first.resolve()
    await gate.promise
    if (read() === handled.at(-1) && read() === '5') done.resolve()
  })
  // The other watcher says when a save has been noticed.
  for (const text of ['1', '2', '3', '4', '5']) {
    const next = folder.next()
    writeFileSync(join(root, 'gateway/index.ts'), text)
    await next
    await first.promise
  }
  gate.resolve()
  await done.promise
  await watcher[Symbol.asyncDispose]()
  expect(folder.seen).toHaveLength(5)
  // The last save may be noticed by this watcher after the gate.
  expect(handled.length).toBeLessThanOrEqual(3)
})
