import { expect, setDefaultTimeout, test } from 'bun:test'

/** Real processes on a machine that may be busy. */
setDefaultTimeout(120_000)

const readme = await Bun.file(`${import.meta.dir}/README.md`).text()
const example = `${import.meta.dir}/testdata/two_processes.ts`

test('the example of two processes is the file, and prints the sum of both', async () => {
  const code = (await Bun.file(example).text()).split('*/')[1]!.trim()
  expect(readme).toContain(code.replace("'../index.ts'", "'@bun-monitoring/metrics'"))
  const run = Bun.spawn([process.execPath, example], { stdout: 'pipe' })
  expect(await new Response(run.stdout).text()).toContain('events_total 2\n')
  expect(await run.exited).toBe(0)
})
