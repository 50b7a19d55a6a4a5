/** Restarts, kills and reloads between two documents. */
import { expect, test } from 'bun:test'
import { parseStats, type Stats } from '../stats/parse.ts'
import { changesOf } from './changes.ts'

const statsOf = (document: object): Stats => {
  const outcome = parseStats(JSON.stringify({ workers: [], ...document }), {
    withCores: false,
    acceptsAnyObject: false,
  })
  if (!('stats' in outcome)) throw new Error(outcome.problem)
  return outcome.stats
}

const worker = { id: 1, state: 'ready', respawn_count: 1, exits: { crash: 1 } }
const between = (before: object, now: object) => changesOf(statsOf(now), statsOf(before))
const ofWorker = (before: object, now: object) =>
  between({ workers: [{ ...worker, ...before }] }, { workers: [{ ...worker, ...now }] })

test.each([
  ['nothing', {}, {}, []],
  ['a crash', {}, { exits: { crash: 2 } }, [{ kind: 'restart', text: 'worker 1 restarted: crash' }]],
  [
    'a kill for a slow request',
    {},
    { exits: { crash: 1, harakiri: 1 } },
    [{ kind: 'kill', text: 'worker 1 restarted: harakiri' }],
  ],
  [
    'two reasons',
    {},
    { exits: { crash: 2, max_requests: 1 } },
    [{ kind: 'restart', text: 'worker 1 restarted: crash, max requests' }],
  ],
  [
    'a start of uWSGI without a reason',
    { exits: {} },
    { exits: {}, respawn_count: 2 },
    [{ kind: 'restart', text: 'worker 1 restarted' }],
  ],
  ['a worker that hangs', {}, { state: 'hung' }, [{ kind: 'hung', text: 'worker 1 is hung' }]],
  ['a worker that dies', {}, { state: 'dead' }, [{ kind: 'dead', text: 'worker 1 is dead' }]],
  ['a worker that still hangs', { state: 'hung' }, { state: 'hung' }, []],
  ['a worker that is ready again', { state: 'hung' }, {}, []],
])('%s', (_, before, now, changes) => {
  expect(ofWorker(before, now)).toEqual(changes as never)
})

test('reloads, good and failed', () => {
  expect(between({ reloads: 1, reloads_failed: 0 }, { reloads: 2, reloads_failed: 1 })).toEqual([
    { kind: 'reload', text: 'was reloaded' },
    { kind: 'reload', text: 'could not be reloaded' },
  ])
  expect(between({ reloads: 2 }, { reloads: 0 })).toEqual([])
  expect(between({}, { reloads: 1 })).toEqual([{ kind: 'reload', text: 'was reloaded' }])
  expect(between({ reloads: 1 }, {})).toEqual([])
})

test('a worker that is new is no change', () => {
  expect(between({}, { workers: [{ ...worker, exits: { crash: 5 } }] })).toEqual([])
})
