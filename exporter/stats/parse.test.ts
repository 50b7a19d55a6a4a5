/** Stats documents of our master, of a real uWSGI, and of other programs. */
import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { largeDocument } from '../bench/large_document.ts'
import { MAX_VALUES, parseStats } from './parse.ts'

/** On a machine that may be busy. */
setDefaultTimeout(120_000)

const WITH_CORES = { withCores: true, acceptsAnyObject: true }
const NO_CORES = { ...WITH_CORES, withCores: false }

const parse = (document: unknown) => parseStats(JSON.stringify(document), WITH_CORES)
const stateOf = (worker: object) => {
  const outcome = parse({ workers: [{ id: 1, ...worker }] })
  return 'stats' in outcome ? outcome.stats.workers?.[0]?.state : outcome.problem
}

/** Equal in both workers of the document. */
const common = {
  accepting: 1,
  exceptions: 0,
  harakiri_count: 0,
  signals: 0,
  signal_queue: 0,
  status: 'idle',
  rss: 0,
  vsz: 0,
  last_spawn: 1_795_343_171,
  respawn_count: 1,
  state: 'ready',
  exits: { harakiri: 0 },
  uwsgiSignals: 0,
  coreCount: 1,
}
const none = {
  static_requests: 0,
  routed_requests: 0,
  offloaded_requests: 0,
  write_errors: 0,
  read_errors: 0,
}
const times = (requests: number, running_time: number, tx: number, avg_rt: number) => ({
  requests,
  delta_requests: requests,
  running_time,
  tx,
  avg_rt,
  apps: [
    {
      id: 0,
      mountpoint: '',
      chdir: '',
      startup_time: 1,
      requests,
      exceptions: 0,
    },
  ],
  cores: [
    {
      id: 0,
      requests,
      in_request: 0,
      ...none,
    },
  ],
})

test("a real uWSGI's document is understood", async () => {
  const outcome = parseStats(
    await Bun.file(`${import.meta.dir}/../testdata/uwsgi-stats.json`).text(),
    WITH_CORES,
  )
  expect(outcome).toEqual({
    stats: {
      listen_queue: 0,
      listen_queue_errors: 0,
      signal_queue: 0,
      sockets: [
        { name: '127.0.0.1:8801', proto: 'uwsgi', queue: 0, max_queue: 100, shared: 0, can_offload: 0 },
      ],
      workers: [
        { ...common, id: 1, pid: 31341, ...times(55038, 125619436, 821526186, 7225) },
        { ...common, id: 2, pid: 31342, ...times(57755, 127117228, 849470770, 3687) },
      ],
    },
  } as never)
})

describe('a key that is missing stays missing', () => {
  test.each([
    ['an empty document', {}, {}],
    ['null in place of values', { name: null, sockets: null, workers: null, reloads: null }, {}],
    ['unknown keys of any kind', { name: 'dogs', spoolers: 'none', legions: [1, [2]] }, { name: 'dogs' }],
    [
      'worker 0, and a worker without id',
      { workers: [{ id: 0, requests: 5 }, { requests: 5 }] },
      { workers: [] },
    ],
    ['a worker without a pid', { workers: [{ id: 7 }] }, { workers: [{ id: 7, exits: {} }] }],
    [
      'an app without keys',
      { workers: [{ id: 7, apps: [{}] }] },
      { workers: [{ id: 7, exits: {}, apps: [{ id: 0, mountpoint: '', chdir: '' }] }] },
    ],
    ['a cache', { caches: [{ name: 'c', hits: 1 }] }, { caches: [{ name: 'c', hits: 1 }] }],
    [
      'a socket without a name',
      { sockets: [{ queue: 1 }] },
      { sockets: [{ name: '', proto: '', queue: 1 }] },
    ],
    [
      'null in place of entries',
      { workers: [null], caches: [null] },
      { workers: [], caches: [{ name: '' }] },
    ],
    ['a negative number', { workers: [{ id: -1, tx: -5 }] }, { workers: [{ id: -1, tx: -5, exits: {} }] }],
    [
      'entries with one id',
      { workers: [{ id: 1 }, { id: 1, apps: [{}, {}], cores: [{}, {}] }] },
      {
        workers: [
          { id: 1, exits: {} },
          {
            id: 1,
            exits: {},
            apps: [
              { id: 0, mountpoint: '', chdir: '' },
              { id: 0, mountpoint: '', chdir: '' },
            ],
            cores: [{ id: 0 }, { id: 0 }],
            coreCount: 2,
          },
        ],
      },
    ],
    ['a number with a fraction', { reloads: 1.5 }, { reloads: 1.5 }],
  ])('%s', (_, document, stats) => {
    expect(parse(document)).toEqual({ stats } as never)
  })
})

describe('cores', () => {
  const worker = (cores: string) => `{"workers":[{"id":7,"cores":${cores}}]}`

  test.each([
    ['compact', worker('[{"id":0},{"id":1}]'), 2],
    ['with spaces', '{ "workers" : [ { "id" : 7 , "cores" : [ { "id" : 0 } ] } ] }', 1],
    ['with a repeated id', worker('[{"id":0},{"id":0}]'), 2],
    ['with values of a wrong kind', worker('[5,"6",{"id":"7"}]'), 3],
    ['an empty list', worker('[]'), 0],
  ])('%s: they are counted, not read, unless they are asked for', (_, text, coreCount) => {
    expect(parseStats(text, NO_CORES)).toEqual({
      stats: { workers: [{ id: 7, exits: {}, coreCount }] },
    } as never)
  })

  test('asked for, they are read, however they are written', () => {
    const text = '{ "workers" : [ { "id" : 7 , "cores" : [ { "id" : 0, "requests" : 5 } ] } ] }'
    expect(parseStats(text, WITH_CORES)).toEqual({
      stats: { workers: [{ id: 7, exits: {}, coreCount: 1, cores: [{ id: 0, requests: 5 }] }] },
    } as never)
  })
})

test('a uWSGI kill for a slow request is an exit; the reasons of our master are kept', () => {
  const exitsOf = (worker: object) => {
    const outcome = parse({ workers: [{ id: 1, ...worker }] })
    return 'stats' in outcome && outcome.stats.workers![0]!.exits
  }
  expect(exitsOf({ harakiri_count: 2 })).toEqual({ harakiri: 2 })
  expect(exitsOf({ harakiri_count: 2, exits: { crash: 1, harakiri: 2 } })).toEqual({ crash: 1, harakiri: 2 })
  expect(exitsOf({})).toEqual({})
})

describe('a JSON object without workers is a stats document only for uwsgi_exporter', () => {
  test.each([
    ['{}', false],
    ['{"status":"ok"}', false],
    ['{"workers":null}', false],
    ['{"workers":[]}', true],
    ['{"version":"2.0.21","vassals":[]}', true],
  ])('%s', (text, isStats) => {
    expect('stats' in parseStats(text, { withCores: false, acceptsAnyObject: false })).toBe(isStats)
    expect('stats' in parseStats(text, { withCores: false, acceptsAnyObject: true })).toBe(true)
  })
})

test('control bytes of a request in flight are replaced, those that JSON allows are not', () => {
  const text = '{\t"name":\r\n"a\u0001\u001f\u0000b",\n"workers":[{"id":1,"cores":[{"vars":["\u0007"]}]}]}'
  expect(parseStats(text, NO_CORES)).toMatchObject({ stats: { name: 'a\ufffd\ufffd\ufffdb' } })
})

test('a uWSGI with 150 workers of 256 cores is within the limit of values', () => {
  const outcome = parseStats(largeDocument(150, 256).toString(), NO_CORES)
  const workers = 'stats' in outcome ? outcome.stats.workers : undefined
  expect(workers?.map(({ coreCount }) => coreCount)).toEqual(Array.from({ length: 150 }, () => 256))
})

test.each([
  ['as many values as the limit are read', '1]}', 'stats'],
  ['one more is refused', '1,1]}', 'problem'],
])('%s', (_, end, outcome) => {
  // Two brackets at the beginning, two characters that precede a value in each item.
  const text = `{"x":[${'{},'.repeat((MAX_VALUES - 2) / 2)}${end}`
  expect(Object.keys(parseStats(text, NO_CORES))).toEqual([outcome])
})

test("signals are those of uWSGI: our master's constant 0 is none", () => {
  const outcome = parse({
    workers: [
      { id: 1, signals: 3 },
      { id: 2, signals: 0, state: 'ready' },
    ],
  })
  expect('stats' in outcome && outcome.stats.workers?.map(({ uwsgiSignals }) => uwsgiSignals)).toEqual([
    3,
    undefined,
  ])
})

describe("a worker's state is that of our master, or corresponds to uWSGI's status", () => {
  test.each([
    [{ state: 'draining', status: 'idle', pid: 5 }, 'draining'],
    [{ state: 'hung', pid: 0 }, 'hung'],
    [{ state: 'dreaming', status: 'idle' }, 'ready'],
    [{ status: 'idle', pid: 5 }, 'ready'],
    [{ status: 'busy' }, 'busy'],
    [{ status: 'sig9' }, 'busy'],
    [{ status: 'cheap', pid: 5 }, 'cheap'],
    [{ status: 'cheap', pid: 0 }, 'cheap'],
    [{ state: 'dead', status: 'cheap', pid: 0 }, 'dead'],
    [{ status: 'idle', pid: 0 }, 'dead'],
    [{ status: 'pause', pid: 5 }, undefined],
    [{}, undefined],
  ])('%j is %s', (worker, state) => {
    expect(stateOf(worker)).toBe(state)
  })
})

describe('another document is refused, with the place but without the value', () => {
  test.each(
    [
      ['', 'the response is not JSON'],
      ['{"workers":[', 'the response is not JSON'],
      ['<html>', 'the response is not JSON'],
      ['['.repeat(1_000_000), 'the response is not JSON'],
      ['null', 'the response is not an object'],
      ['[]', 'the response is not an object'],
      ['"stats"', 'the response is not an object'],
      ['{"name":5}', 'name is not a string'],
      ['{"workers":{}}', 'workers is not a list'],
      ['{"workers":[5]}', 'workers[0] is not an object'],
      ['{"workers":[{"id":1},{"id":"2"}]}', 'workers[1].id is not a number'],
      ['{"workers":[{"id":1.5}]}', 'workers[0].id is not an integer'],
      [`{"x":[${'{},'.repeat(MAX_VALUES)}{}]}`, 'the response has more than 2000000 values'],
      ['{"workers":[{"id":1,"rss":"12 MB"}]}', 'workers[0].rss is not a number'],
      ['{"workers":[{"id":1,"rss":true}]}', 'workers[0].rss is not a number'],
      ['{"workers":[{"id":1,"tx":1e999}]}', 'workers[0].tx is not a number'],
      ['{"workers":[{"id":1,"status":1}]}', 'workers[0].status is not a string'],
      ['{"workers":[{"id":1,"exits":[]}]}', 'workers[0].exits is not an object'],
      ['{"workers":[{"id":1,"exits":{"crash":"often"}}]}', 'workers[0].exits.crash is not a number'],
      ['{"sockets":[{"name":"a","queue":[]}]}', 'sockets[0].queue is not a number'],
      ['{"reloads":{}}', 'reloads is not a number'],
    ].map(([text = '', problem]) => [text.slice(0, 40), text, problem]),
  )('%s', (_, text = '', problem) => {
    expect(parseStats(text, WITH_CORES)).toEqual({ problem: problem! })
  })
})
