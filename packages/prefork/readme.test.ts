/** The README agrees with the code. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { Type } from '@sinclair/typebox'
import { processSettings, settingsTable } from './shared/config.ts'
import { TestProcess } from './testing.ts'
import { temporaryFolder } from './testdata/toys.ts'

/** Real processes on a machine that may be busy. */
setDefaultTimeout(120_000)

const readme = await Bun.file(join(import.meta.dir, 'README.md')).text()
/** Tables without the padding that the formatter adds. */
const cells = (table: string) => table.replaceAll(/[ -]*\|[ -]*/g, '|')

test('it has a line for every setting', () => {
  const { port: _, adminPort: __, ...settings } = processSettings({ port: 0, adminPort: 0 })
  const rows = settingsTable(Type.Object(settings), '<P>').split('\n').slice(2)
  for (const row of rows) expect(cells(readme)).toContain(cells(row.replace('<P>_', '')))
})

test('its first app runs with the command', async () => {
  const [, code] = /## The command\n\n```ts\n(.*?)```/s.exec(readme)!
  const folder = temporaryFolder()
  await Bun.write(join(folder, 'app.ts'), code!)
  const command = [join(import.meta.dir, 'bin.ts'), 'app.ts', '--port=0', '--admin-port=0', '--workers=1']
  await using hello = new TestProcess(command, {}, { cwd: folder })
  const { url } = await hello.ready()
  expect(await (await fetch(url)).text()).toBe('hello\n')
  rmSync(folder, { recursive: true })
})

test('its example runs', async () => {
  await using hello = new TestProcess([join(import.meta.dir, 'testdata/example.ts')], {
    HELLO_PORT: '0',
    HELLO_ADMIN_PORT: '0',
  })
  const { url } = await hello.ready()
  expect(await (await fetch(url)).text()).toBe('hello\n')
})
