/** Requests the data of the live page at each step, keeps the curves, and shows all of it. */
import { Chart } from './charts.js'
import { clock, plural } from './format.js'
import { setText, showApps, showGateways, showWorkers } from './tables.js'

const RETRY_MS = 2000
const MAX_EVENTS = 50
const COLORS = ['--series-1', '--series-2', '--series-3', '--series-4', '--series-5', '--series-6']

const find = (selector) => document.querySelector(selector)
const charts = new Map(
  Array.from(document.querySelectorAll('[data-chart]'), (node) => [node.dataset.chart, new Chart(node)]),
)
const state = { times: [], curves: new Map(), changes: [], targets: [], historyMs: 0, stepMs: 5000 }

// --- The data: what came before and what is new.

function append({ curves, changes, historyMs, stepMs, targets }) {
  Object.assign(state, { historyMs, stepMs, targets })
  const added = curves.times.length
  for (const [target, values] of Object.entries(curves.targets)) {
    if (!state.curves.has(target))
      state.curves.set(
        target,
        Object.fromEntries(Object.keys(values).map((key) => [key, state.times.map(() => null)])),
      )
    for (const [key, list] of Object.entries(state.curves.get(target))) list.push(...values[key])
  }
  for (const [target, lists] of state.curves) {
    if (target in curves.targets) continue
    for (const list of Object.values(lists)) list.push(...Array(added).fill(null))
  }
  state.times.push(...curves.times)
  state.changes.push(...changes)
  forget(Math.max(historyMs, stepMs))
}

function forget(keptMs) {
  const oldest = (state.times.at(-1) ?? 0) - keptMs
  const gone = state.times.findIndex((time) => time >= oldest)
  if (gone > 0) {
    state.times.splice(0, gone)
    for (const lists of state.curves.values()) for (const list of Object.values(lists)) list.splice(0, gone)
  }
  for (const [target, lists] of state.curves)
    if (Object.values(lists).every((list) => list.every((value) => value === null)))
      state.curves.delete(target)
  state.changes = state.changes.filter(({ atMs }) => atMs >= oldest)
}

/** The name of an app, with the address if several targets have the same. */
function nameOf({ app, target }) {
  const isUnique = state.targets.filter((other) => other.app === app).length === 1
  return isUnique || app === target
    ? app
    : `${app} ${target.replace(/^\w+:\/\//, '').replace(/\/stats$/, '')}`
}

// --- The parts of the page.

function showProblems(problems) {
  const lines = problems.map(({ app, text, sinceMs }) => `${app}: ${text}, since ${clock(sinceMs)}`)
  const node = find('#problems')
  const shown = lines.join('\n')
  if (node.dataset.shown === shown && node.children.length > 0) return
  node.dataset.shown = shown
  node.classList.toggle('bad', lines.length > 0)
  const items = (lines.length > 0 ? lines : ['Nothing is wrong.']).map((line) => {
    const item = document.createElement('p')
    item.textContent = line
    return item
  })
  node.replaceChildren(...items)
}

function showCharts() {
  const known = state.targets.filter(({ target }) => state.curves.has(target))
  const curvesOf = (key, color) =>
    known.map((view, i) => ({
      label: nameOf(view),
      unit: key,
      color: color ?? COLORS[i % COLORS.length],
      values: state.curves.get(view.target)[key],
    }))
  const latency = state.curves.get(find('#latency-of').value)
  const show = (name, curves) =>
    charts.get(name).show(curves, state.times, Math.max(state.historyMs, 12 * state.stepMs), state.changes)
  show('requests', curvesOf('requestsPerSecond'))
  show('errors', curvesOf('errorsPerSecond', '--bad'))
  show(
    'latency',
    ['p50', 'p95', 'p99'].map((key, i) => ({
      label: key,
      unit: key,
      color: COLORS[i],
      values: latency?.[key] ?? [],
    })),
  )
  show('saturation', curvesOf(find('#saturation-of').value))
}

function showWindow(windowMs) {
  for (const node of document.querySelectorAll('.window')) setText(node, `in the last ${windowMs / 1000} s`)
}

function showChoices() {
  const select = find('#latency-of')
  const views = state.targets.filter(({ target }) => state.curves.has(target))
  const names = views.map(nameOf).join('\n')
  if (select.dataset.shown === names) return
  select.dataset.shown = names
  const chosen = select.value || views.find(({ upstreams }) => upstreams?.length > 0)?.target
  select.replaceChildren(...views.map((view) => new Option(nameOf(view), view.target)))
  if (views.some(({ target }) => target === chosen)) select.value = chosen
}

function showEvents() {
  const list = find('#events')
  const lines = state.changes.slice(-MAX_EVENTS).toReversed()
  const shown = lines.map(({ atMs, text }) => `${atMs} ${text}`).join('\n')
  if (lines.length === 0 || list.dataset.shown === shown) return
  list.dataset.shown = shown
  list.replaceChildren(
    ...lines.map(({ atMs, app, text }) => {
      const item = document.createElement('li')
      const time = document.createElement('time')
      time.textContent = clock(atMs)
      item.append(time, `${app} ${text}`)
      return item
    }),
  )
}

const isLoopback = (host) => /^(localhost|127\.[\d.]+|\[::1\])$/.test(host)

/** An address of the exporter's own machine can be opened only by a browser on that machine. */
function reachable(address) {
  const url = URL.parse(address)
  if (!url || !/^https?:$/.test(url.protocol)) return undefined
  return isLoopback(url.hostname) && !isLoopback(location.hostname) ? undefined : url.href
}

const adminOf = ({ target, hasMetrics }) => {
  const url = hasMetrics && URL.parse(target)
  return url && isLoopback(url.hostname) ? reachable(target.replace(/\/stats$/, '/metrics')) : undefined
}

function showLinks(links) {
  const usable = links.filter(({ url }) => reachable(url))
  const node = find('#links')
  const shown = JSON.stringify(usable)
  if (node.dataset.shown === shown) return
  node.dataset.shown = shown
  node.replaceChildren(
    ...usable.map(({ name, url }) => {
      const link = document.createElement('a')
      link.href = url
      link.textContent = name
      return link
    }),
  )
}

// A screen reader reads each change aloud, so an equal text is not set again.
function showStatus(text, kind) {
  const status = find('#status')
  status.className = `state ${kind}`
  setText(status, text)
}

function show(document_) {
  append(document_)
  const { targets, problems, links, windowMs } = document_
  const up = targets.filter(({ problem }) => !problem).length
  const wrong = problems.length > 0 ? `, ${plural(problems.length, 'problem')}` : ''
  showStatus(`${up} of ${targets.length} targets up${wrong}`, wrong ? 'down' : 'up')
  showProblems(problems)
  showWindow(windowMs)
  showChoices()
  showCharts()
  showApps(targets, nameOf)
  showGateways(targets, nameOf)
  showWorkers(targets, nameOf, adminOf)
  showEvents()
  showLinks(links)
}

// --- The loop.

const pause = find('#pause')
const isPaused = () => pause.getAttribute('aria-pressed') === 'true'

async function turn() {
  const after = state.times.at(-1) ?? 0
  const signal = AbortSignal.timeout(2 * state.stepMs + RETRY_MS)
  try {
    const response = await fetch(`./live.json?after=${after}`, { signal })
    if (!response.ok) throw new Error(String(response.status))
    show(await response.json())
    find('main').classList.remove('stale')
    return state.stepMs
  } catch (error) {
    if (!(error instanceof DOMException || error instanceof TypeError)) console.warn(error)
    showStatus('the exporter does not respond, trying again', 'down')
    find('main').classList.add('stale')
    return RETRY_MS
  }
}

pause.addEventListener('click', () => pause.setAttribute('aria-pressed', String(!isPaused())))
for (const id of ['#latency-of', '#saturation-of']) find(id).addEventListener('change', showCharts)
for (;;) {
  const waitMs = isPaused() ? 500 : await turn()
  await new Promise((resolve) => setTimeout(resolve, waitMs))
}
