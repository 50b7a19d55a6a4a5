import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { services } from '../services/names.ts'
import { affectedBy, WATCHED } from './affected.ts'
import { ROOT } from './external.ts'
import { importsOf } from './layers.ts'

test.each([
  ['packages/prefork/master/master.ts', [...services, 'gateway', 'exporter']],
  ['services/pets/http/app.ts', services],
  ['services/dogs/model.ts', ['dogs']],
  ['services/cats/package.json', ['cats']],
  ['gateway/gateway.toml', ['gateway']],
  ['gateway/routing/page.html', ['gateway']],
  ['exporter/web/page.html', ['exporter']],
  ['services/pets/http/app.test.ts', []],
  ['services/pets/testing.ts', []],
  ['services/dogs/data/dogs.sqlite', []],
  ['gateway/bench/upstream.ts', []],
  ['packages/prefork/node_modules/x/index.ts', []],
  ['packages/prefork/README.md', []],
  ['scripts/up.ts', []],
  ['mygateway/x.ts', []],
])('a change of %s restarts %j', (path, parts) => {
  expect(affectedBy(path)).toEqual([...parts] as ReturnType<typeof affectedBy>)
})

test('a change of any file that our processes import restarts one of them', () => {
  const files = [...new Bun.Glob(`{${WATCHED.join()}}/**/*.ts`).scanSync(ROOT)]
  const run = files.filter((file) => affectedBy(file).length > 0)
  expect(run.length).toBeGreaterThan(200)
  const imported = run.flatMap((file) =>
    importsOf(readFileSync(join(ROOT, file), 'utf8')).map((path) => join(dirname(file), path)),
  )
  const others = imported.filter((file) => /^[^.].*\.(?!ts$)\w+$/.test(file))
  expect(others.map(extname)).toEqual(expect.arrayContaining(['.html', '.css', '.js', '.svg', '.json']))
  expect(others.filter((file) => affectedBy(file).length === 0)).toEqual([])
})
