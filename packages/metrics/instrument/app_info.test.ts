import { expect, test } from 'bun:test'
import { Registry } from '../api/registry.ts'
import { registersOf, segmentFolder, shown } from '../testdata/segments.ts'
import { publishAppInfo } from './app_info.ts'

const { create } = segmentFolder()

test('the build that all workers run is 1', () => {
  const segment = create()
  for (const region of [0, 2])
    publishAppInfo(registersOf(segment, region)[0]!, { name: 'dogs', version: '1.2.3' })
  expect(shown(segment)).toEqual({
    [`app_info{name="dogs",version="1.2.3",bun_version="${Bun.version}"}`]: 1,
  })
})

test('the build is published once', async () => {
  const registry = new Registry()
  publishAppInfo(registry, { name: 'dogs', version: '1.2.3' })
  expect(await registry.metrics()).toContain(
    `app_info{name="dogs",version="1.2.3",bun_version="${Bun.version}"} 1`,
  )
})
