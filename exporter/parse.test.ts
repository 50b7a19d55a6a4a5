/** What may answer on a stats port: our master, a real uWSGI, and anything else. */
import { describe, expect, test } from 'bun:test'
import { MAX_VALUES, parseStats } from './parse.ts'

const parse = (document: unknown) => parseStats(JSON.stringify(document))
const stateOf = (worker: object) => {
  const outcome = parse({ workers: [{ id: 1, ...worker }] })
  return 'stats' in outcome ? outcome.stats.workers?.[0]?.state : outcome.problem
}

/** What both workers of the document have. */
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
  exits: {},
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
  const outcome = parseStats(await Bun.file(`${import.meta.dir}/testdata/uwsgi-stats.json`).text())
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
      'cores that were left out',
      { workers: [{ id: 7, cores: 256 }] },
      { workers: [{ id: 7, exits: {}, coreCount: 256 }] },
    ],
    [
      'an app without anything',
      { workers: [{ id: 7, apps: [{}] }] },
      { workers: [{ id: 7, exits: {}, apps: [{ id: 0, mountpoint: '', chdir: '' }] }] },
    ],
    ['a cache', { caches: [{ name: 'c', hits: 1 }] }, { caches: [{ name: 'c', hits: 1 }] }],
    ['a socket without a name', { sockets: [{ queue: 1 }] }, { sockets: [] }],
    ['a number with a fraction', { reloads: 1.5 }, { reloads: 1.5 }],
  ])('%s', (_, document, stats) => {
    expect(parse(document)).toEqual({ stats } as never)
  })
})

describe("a worker's state is our own word, else what uWSGI's comes to", () => {
  test.each([
    [{ state: 'draining', status: 'idle', pid: 5 }, 'draining'],
    [{ state: 'hung', pid: 0 }, 'hung'],
    [{ state: 'dreaming', status: 'idle' }, 'ready'],
    [{ status: 'idle', pid: 5 }, 'ready'],
    [{ status: 'busy' }, 'busy'],
    [{ status: 'sig9' }, 'busy'],
    [{ status: 'cheap', pid: 5 }, 'dead'],
    [{ status: 'idle', pid: 0 }, 'dead'],
    [{ status: 'pause', pid: 5 }, undefined],
    [{}, undefined],
  ])('%j is %s', (worker, state) => {
    expect(stateOf(worker)).toBe(state)
  })
})

describe('what is no stats document is refused, in words that stay the same while values change', () => {
  test.each(
    [
      ['', 'its answer is not JSON'],
      ['{"workers":[', 'its answer is not JSON'],
      ['<html>', 'its answer is not JSON'],
      ['['.repeat(1_000_000), 'its answer is not JSON'],
      ['null', 'its answer is not an object'],
      ['[]', 'its answer is not an object'],
      ['"stats"', 'its answer is not an object'],
      ['{"name":5}', 'name is not a text'],
      ['{"workers":{}}', 'workers is not a list'],
      ['{"workers":[5]}', 'workers[0] is not an object'],
      ['{"workers":[{"id":1},{"id":"2"}]}', 'workers[1].id is not a number'],
      ['{"workers":[{"id":1.5}]}', 'workers[0].id is not an integer'],
      ['{"workers":[{"id":-1}]}', 'workers[0].id is negative'],
      ['{"workers":[{"id":1},{"id":1}]}', 'two of its workers have the same id'],
      ['{"workers":[{"id":1,"apps":[{},{}]}]}', 'two of its apps have the same id'],
      ['{"workers":[{"id":1,"cores":[{},{}]}]}', 'two of its cores have the same id'],
      ['{"caches":[{},{}]}', 'two of its caches have the same name'],
      [`{"x":[${'{},'.repeat(MAX_VALUES)}{}]}`, 'its answer has more than 1000000 values'],
      ['{"workers":[{"id":1,"rss":"12 MB"}]}', 'workers[0].rss is not a number'],
      ['{"workers":[{"id":1,"rss":true}]}', 'workers[0].rss is not a number'],
      ['{"workers":[{"id":1,"tx":1e999}]}', 'workers[0].tx is not a number'],
      ['{"workers":[{"id":1,"requests":-5}]}', 'workers[0].requests is negative'],
      ['{"workers":[{"id":1,"status":1}]}', 'workers[0].status is not a text'],
      ['{"workers":[{"id":1,"exits":[]}]}', 'workers[0].exits is not an object'],
      ['{"workers":[{"id":1,"exits":{"crash":"often"}}]}', 'workers[0].exits.crash is not a number'],
      ['{"sockets":[{"name":"a","queue":[]}]}', 'sockets[0].queue is not a number'],
      ['{"reloads":{}}', 'reloads is not a number'],
    ].map(([text = '', problem]) => [text.slice(0, 40), text, problem]),
  )('%s', (_, text = '', problem) => {
    expect(parseStats(text)).toEqual({ problem: problem! })
  })
})
