import { expect, test } from 'bun:test'
import { Metrics, type Sample } from './metrics.ts'

const countOf = (metrics: Metrics, name: string) => metrics.series(name).sink.values([], 1000).count

test('a submetric has the samples that have all of its tags', () => {
  const metrics = new Metrics()
  const names = ['http_reqs', 'http_reqs{op:list}', 'http_reqs{op:list,status:200}', 'http_reqs{op:none}']
  for (const name of names) metrics.series(name)
  metrics.add('http_reqs', 1, metrics.tagSet({ op: 'list', status: '200' }))
  metrics.add('http_reqs', 1, metrics.tagSet({ op: 'list', status: '500' }))
  metrics.add('http_reqs', 1, metrics.tagSet({ op: 'create', status: '200' }))
  metrics.add('http_reqs', 1, metrics.tagSet({}))
  metrics.add('iterations', 1, metrics.tagSet({ op: 'list' }))
  expect(names.map((name) => countOf(metrics, name))).toEqual([4, 2, 1, 0])
})

test('a submetric that is added later has the samples from then on', () => {
  const metrics = new Metrics()
  const tagSet = metrics.tagSet({ op: 'list' })
  metrics.add('http_reqs', 1, tagSet)
  metrics.series('http_reqs{op:list}')
  metrics.add('http_reqs', 1, tagSet)
  expect([countOf(metrics, 'http_reqs'), countOf(metrics, 'http_reqs{op:list}')]).toEqual([2, 1])
})

test('tags of the run are those of every sample, and a tag of the sample comes before one of the run', () => {
  const metrics = new Metrics()
  metrics.runTags = { shape: 'smoke', op: 'none' }
  expect(metrics.tagSet({ op: 'list' }).tags).toEqual({ op: 'list', shape: 'smoke' })
})

test('the same tags are the same set in any order, and other tags are another one', () => {
  const metrics = new Metrics()
  const set = metrics.tagSet({ a: '1', b: '2' })
  expect(metrics.tagSet({ b: '2', a: '1' })).toBe(set)
  for (const other of [{ a: '1' }, { a: '1', b: '3' }, { a: '1', b: '2', c: '' }])
    expect(metrics.tagSet(other)).not.toBe(set)
})

test('a listener hears of every sample', () => {
  const metrics = new Metrics()
  const heard: Sample[] = []
  metrics.listen((sample) => heard.push(sample))
  const tagSet = metrics.tagSet({})
  metrics.add('vus', 7, tagSet)
  expect(heard).toEqual([{ metric: 'vus', value: 7, tagSet }])
})

test('a metric that is not measured is refused, and so is a filter without a value', () => {
  const metrics = new Metrics()
  const names = ['http_req_waiting', 'group_duration{op:list}', 'toString', '']
  const ill = [
    ' http_reqs',
    'http_reqs ',
    'x http_reqs',
    'http_reqs{}',
    'http_reqs{op:list} x',
    'http_reqs{op:list',
  ]
  for (const name of [...names, ...ill])
    expect(() => metrics.series(name)).toThrow(`this runner does not have the metric ${name}: run it with k6`)
  expect(() => metrics.series('http_reqs{op}')).toThrow('"http_reqs{op}" is not a metric with tags')
})
