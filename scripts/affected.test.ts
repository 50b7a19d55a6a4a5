import { expect, test } from 'bun:test'
import { services } from '../services/names.ts'
import { affectedBy } from './affected.ts'

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
