/** One colour for one thing on all dashboards: apps, status codes, states, reasons. Legends choose the colour by their words. */

import type { DynamicConfigValue } from '@grafana/grafana-foundation-sdk/dashboard'
import { type Apps, oneOf } from '../rules/rule.ts'

const GREEN = '#73BF69'
const BLUE = '#5794F2'
const YELLOW = '#FADE2A'
const ORANGE = '#FF9830'
const RED = '#F2495C'
const PURPLE = '#B877D9'
const GREY = '#8E8E8E'

/** The colour of "no data" and "no requests", which are neither good nor bad. */
export const NEUTRAL = GREY

/** Of the edge first, then of the services. They differ from the colours of good and bad. */
const APPS = [BLUE, PURPLE, '#56A64B', '#8AB8FF', '#CA95E5', '#3D71D9', '#A352CC', '#C0D8FF']

/** A word of the legend decides; where several match, the last one does. */
const words: readonly [color: string, ...words: string[]][] = [
  [GREEN, '2\\d\\d', 'ready', 'healthy', 'ok', 'success', 'idle'],
  [
    BLUE,
    '3\\d\\d',
    'all',
    'edge',
    'received',
    'accepted',
    'aborts',
    'lines',
    'busy',
    'active',
    'used',
    'waiting',
    'stale',
  ],
  [YELLOW, '4\\d\\d', 'starting', 'slow_start', 'draining', 'reading', 'connect_timeout'],
  [PURPLE, '499', 'upstream', 'sent', 'writing', 'reload', 'scale'],
  [GREY, 'dead', 'cheap', 'max_requests', 'max_lifetime', 'rss'],
  [ORANGE, 'harakiri', 'timeout', 'answer_timeout', 'unreachable'],
  [RED, '5\\d\\d', '0', 'hung', 'ejected', 'failed', 'bad', 'failure', 'crash', 'signal', 'oom', 'gone'],
]

/** Overrides by regular expression. Series of one colour differ in brightness. */
export function colorsOf({ edge, services }: Apps): [regexp: string, properties: DynamicConfigValue[]][] {
  const apps = [...new Set([...edge, ...services])].map(
    (app, index) => [APPS[index % APPS.length]!, [oneOf([app]).replaceAll('/', '\\/')]] as const,
  )
  const rules = [...apps, ...words.map(([color, ...names]) => [color, names] as const)]
  return rules.map(([fixedColor, names]) => [
    `/(^|\\s)(${names.join('|')})(\\s|$)/`,
    [{ id: 'color', value: { mode: 'shades', fixedColor } }],
  ])
}
