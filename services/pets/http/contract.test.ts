/**
 * The service against its own OpenAPI document: schemathesis sends requests that fit the schemas and requests that do not,
 * and a generated client is compiled and used.
 */
import { describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { isExpected } from '@bun-monitoring/prefork/testing'
import type { OpenAPIV3 } from 'openapi-types'
import openapiTypeScript, { astToString } from 'openapi-typescript'
import { dogs, temporaryDatabase, temporaryFolder, testKind } from '../testing.ts'
import { openApi } from './docs/openapi.ts'

const SLOW_MS = 300_000
const schemathesis = Bun.which('schemathesis')
/** On a busy machine to generate a request is slow, and so is its response: neither contradicts the document. */
const FLAGS =
  '--mode all --max-examples 25 --no-color --suppress-health-check too_slow --request-timeout 60'.split(' ')

async function run(command: string[], cwd: string): Promise<{ exitCode: number; output: string }> {
  const process = Bun.spawn(command, { cwd, stdout: 'pipe', stderr: 'pipe' })
  const [stdout, stderr] = await Promise.all(
    [process.stdout, process.stderr].map((stream) => new Response(stream).text()),
  )
  return { exitCode: await process.exited, output: `${stdout}${stderr}` }
}

describe.skipIf(
  !isExpected(
    schemathesis !== null,
    'schemathesis is not on PATH, so the contract is not tested (pip: schemathesis)',
  ),
)('schemathesis', () => {
  test(
    'finds no response that contradicts the document, for valid and invalid requests',
    async () => {
      using folder = temporaryFolder()
      await using database = temporaryDatabase()
      await using service = dogs({ DOGS_WORKERS: '0', ...database.env })
      const { url } = await service.ready()
      const document = (await (await fetch(`${url}/dogs/swagger/json`)).json()) as OpenAPIV3.Document
      // Of two bodies under one key the second is 422, although it fits its schema.
      delete document.paths['/dogs/']!.post!.parameters
      const file = join(folder.path, 'openapi.json')
      await Bun.write(file, JSON.stringify(document))
      const { exitCode, output } = await run(
        [schemathesis!, 'run', file, '--url', url, ...FLAGS],
        folder.path,
      )
      expect(exitCode === 0 ? '' : output).toBe('')
    },
    SLOW_MS,
  )
})

test(
  'a generated client has the types of the document',
  async () => {
    using folder = temporaryFolder()
    const types = astToString(await openapiTypeScript(openApi(testKind, '1.0.0') as never))
    await Bun.write(join(folder.path, 'api.ts'), types)
    await Bun.write(
      join(folder.path, 'client.ts'),
      `import type { components, paths } from './api.ts'
      type Dog = components['schemas']['Dog']
      export const dog: Dog = { id: 1, name: 'Rex', breed: 'Pug', likes_to_bark: true, is_test: false }
      export const input: components['schemas']['NewDog'] = { name: 'Rex', breed: 'Pug' }
      export type List = paths['/dogs/']['get']['responses'][200]['content']['application/json']
      export const list: List = [dog]
      // @ts-expect-error: a breed is required
      export const wrong: components['schemas']['NewDog'] = { name: 'Rex' }
      // @ts-expect-error: an id is a number
      export const text: Dog = { ...dog, id: '1' }
      `,
    )
    const options = {
      strict: true,
      noEmit: true,
      allowImportingTsExtensions: true,
      module: 'preserve',
      types: [],
    }
    await Bun.write(
      join(folder.path, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: options, files: ['client.ts'] }),
    )
    const { exitCode, output } = await run([process.execPath, '--no-script', 'check'], folder.path)
    expect({ exitCode, output: exitCode === 0 ? '' : output }).toEqual({ exitCode: 0, output: '' })
  },
  SLOW_MS,
)
