/**
 * Tables of the live page. A row is made once for each key and only changed texts are set, so that selection, scroll
 * position and screen readers are not disturbed. `textContent` makes markup in a text harmless.
 */
import { amount, bytes, cores, isKnown, percent, plural, rate, restarts, seconds, share } from './format.js'

const find = (selector) => document.querySelector(selector)

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text
}

function setClass(node, name) {
  if (node.className !== name) node.className = name
}

/** Fills a table body. Each row is [key, cells, class], each cell a text or [text, class]. */
function fillRows(body, rows) {
  const old = new Map(Array.from(body.children, (row) => [row.dataset.key, row]))
  rows.forEach(([key, cells, rowClass = ''], index) => {
    const row = old.get(key) ?? newRow(key, cells.length)
    old.delete(key)
    if (body.children[index] !== row) body.insertBefore(row, body.children[index] ?? null)
    setClass(row, rowClass)
    cells.forEach((cell, i) => {
      const [text, name = ''] = Array.isArray(cell) ? cell : [cell]
      const node = row.children[i].firstElementChild
      setText(node, text)
      setClass(node, name)
    })
  })
  for (const row of old.values()) row.remove()
}

function newRow(key, length) {
  const row = document.createElement('tr')
  row.dataset.key = key
  for (let i = 0; i < length; i++) {
    const cell = document.createElement(i === 0 ? 'th' : 'td')
    if (i === 0) cell.scope = 'row'
    cell.append(document.createElement('span'))
    row.append(cell)
  }
  return row
}

const redCells = (red) => {
  const isFailing = red?.errorsPerSecond > 0
  return [
    rate(red?.requestsPerSecond),
    [rate(red?.errorsPerSecond), isFailing ? 'bad' : ''],
    [percent(share(red)), isFailing ? 'bad' : ''],
    ...['p50', 'p95', 'p99'].map((key) => seconds(red?.[key])),
  ]
}

const oldest = (value) => (value === 0 ? 'none' : seconds(value))

export function showApps(targets, nameOf) {
  const rows = targets.flatMap((view) => {
    const name = nameOf(view)
    if (view.problem) return [[view.target, [[name, 'down state'], ...Array(12).fill('–')], 'app']]
    const { saturation: used, red } = view
    const cells = [
      name,
      ...redCells(red),
      amount(used.inFlight),
      oldest(used.oldestSeconds),
      seconds(used.eventLoopLagSeconds),
      isKnown(view.queueLimit) ? `${amount(view.queued)} of ${amount(view.queueLimit)}` : amount(view.queued),
      cores(used.cpuCores),
      bytes(used.rssBytes),
    ]
    // An app without quantiles has a mean latency.
    if (!isKnown(red?.p50) && isKnown(view.meanSeconds)) cells[4] = `mean ${seconds(view.meanSeconds)}`
    const routes = view.upstreams.length > 0 ? [] : view.routes.toSorted(byErrors)
    return [
      [view.target, cells, 'app'],
      ...routes.map((route) => [
        `${view.target} ${route.route}`,
        [route.route, ...redCells(route), ...Array(6).fill('')],
        'route',
      ]),
    ]
  })
  fillRows(find('#apps tbody'), rows)
}

/** Failing routes first; otherwise by name, so that rows keep their places. */
const byErrors = (a, b) =>
  (b.errorsPerSecond ?? 0) - (a.errorsPerSecond ?? 0) || a.route.localeCompare(b.route)

/** Routes of the gateways: each with the upstream that it leads to, and upstreams without a route. */
export function showGateways(targets, nameOf) {
  const gateways = targets.filter((view) => view.upstreams?.length > 0)
  find('#gateway').hidden = gateways.length === 0
  const prefixOf = (view) => (gateways.length > 1 ? `${nameOf(view)} ` : '')
  const rows = gateways.flatMap((view) => routeRows(view, prefixOf(view)))
  fillRows(find('#routes tbody'), rows)
}

function routeRows({ target, routes, upstreams }, prefix) {
  const unused = new Map(upstreams.map((each) => [each.upstream, each]))
  const rows = routes.toSorted(byErrors).map((route) => {
    // Without the gateway's own word, a route leads to the upstream of its name.
    const name = route.info?.upstream ?? route.route
    const path = route.info ? ` ${route.info.host}${route.info.path}` : ''
    unused.delete(name)
    return [
      `${target} ${route.route}`,
      routeCells(
        prefix + route.route + path,
        route,
        upstreams.find((each) => each.upstream === name),
      ),
    ]
  })
  for (const each of unused.values())
    rows.push([`${target} (${each.upstream})`, routeCells(`${prefix}(no route)`, undefined, each)])
  return rows
}

function routeCells(label, route, upstream) {
  const { healthy = 0, ejected = 0, slow_start: starting = 0 } = upstream?.targets ?? {}
  const total = healthy + ejected + starting
  return [
    label,
    upstream?.upstream ?? 'none',
    [upstream ? `${healthy + starting} of ${total}` : '–', ejected > 0 ? 'bad' : ''],
    rate(route?.requestsPerSecond),
    [rate(route?.errorsPerSecond), route?.errorsPerSecond > 0 ? 'bad' : ''],
    seconds(route?.p99),
    seconds(upstream?.p99),
    amount(upstream?.queued),
  ]
}

/** A card of workers for each target. */
const cards = new Map()
const OPEN_UP_TO_WORKERS = 8

export function showWorkers(targets, nameOf, adminOf) {
  const present = new Set(targets.map(({ target }) => target))
  for (const [target, card] of cards) {
    if (present.has(target)) continue
    card.remove()
    cards.delete(target)
  }
  for (const view of targets) {
    let card = cards.get(view.target)
    if (!card) {
      card = find('#card').content.firstElementChild.cloneNode(true)
      card.querySelector('details').open = (view.workers?.length ?? 0) <= OPEN_UP_TO_WORKERS
      cards.set(view.target, card)
      find('#workers').append(card)
    }
    showCard(card, view, nameOf(view), adminOf(view))
  }
}

function showCard(card, view, name, adminUrl) {
  const part = (selector) => card.querySelector(selector)
  setText(part('h2'), name)
  showTarget(part('.target'), view.target, adminUrl)
  card.classList.toggle('stale', Boolean(view.problem))
  if (view.problem) {
    setClass(part('.title .state'), 'state down')
    setText(part('.title .state'), `down: ${view.problem}`)
    return
  }
  const { workers } = view
  const [problem] = view.problems
  setClass(part('.title .state'), problem ? 'state down' : 'state up')
  setText(part('.title .state'), problem?.text ?? 'up')
  const failed = view.reloadsFailed > 0 ? `, ${view.reloadsFailed} failed` : ''
  setText(part('.facts'), isKnown(view.reloads) ? plural(view.reloads, 'reload') + failed : '')
  const running = workers.filter(({ state }) => state !== 'dead' && state !== 'cheap').length
  setText(part('summary'), `${plural(workers.length, 'worker')}, ${running} running`)
  part('.scroll').ariaLabel = `Workers of ${name}`
  fillRows(
    part('tbody'),
    workers.map((worker) => [
      String(worker.id),
      [
        String(worker.id),
        worker.pid > 0 ? String(worker.pid) : '–',
        [worker.state || '–', `state ${worker.state}`],
        rate(worker.requestsPerSecond),
        seconds(worker.meanSeconds),
        oldest(worker.oldestSeconds),
        amount(worker.inFlight),
        cores(worker.cpuCores),
        bytes(worker.rssBytes),
        seconds(worker.eventLoopLagSeconds),
        restarts(worker.restarts, worker.exits),
      ],
    ]),
  )
}

/** The address is a link if the browser can open it. */
function showTarget(node, target, adminUrl) {
  if (node.dataset.shown === `${target} ${adminUrl}`) return
  node.dataset.shown = `${target} ${adminUrl}`
  if (!adminUrl) return setText(node, target)
  const link = document.createElement('a')
  link.href = adminUrl
  link.textContent = target
  node.replaceChildren(link)
}
