/** The tests of smuggling, of random mutations and of slow clients once more, with clients that use TLS. */
import { expect, test } from 'bun:test'
import { Certificates } from '../testdata/certificates.ts'

test.each(['smuggling', 'smuggling.fuzz', 'slowloris', 'slow_client', 'connection'])(
  '%s.test.ts passes over TLS',
  async (name) => {
    using certificates = new Certificates()
    certificates.sign('a', 'DNS:a.test')
    const command = [process.execPath, 'test', '--timeout=60000', `${import.meta.dir}/${name}.test.ts`]
    const child = Bun.spawn(command, {
      env: { ...Bun.env, GATEWAY_TESTS_TLS: certificates.folder, FUZZ_RUNS: '1000' },
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const [output, code] = await Promise.all([new Response(child.stderr).text(), child.exited])
    expect(code === 0 ? '' : output).toBe('')
    expect(output).toMatch(/\n *[1-9]\d* pass\n/)
  },
  300_000,
)
