/**
 * `bun run pictures [scene ...]`: draws every dashboard of a real stack in calm, under load, under each fault of the demonstration and
 * without its gateway. Pictures go to .run/pictures, those under load also into monitoring/pictures/load for the READMEs. Prints
 * what cannot be read or is wrong, and ends with 1 if there is any.
 */

import { join } from 'node:path'
import { type FreeStack, startFreeStack } from '../../e2e/free_stack.ts'
import { Traffic } from '../../e2e/traffic.ts'
import { firingAlerts, story, STORY_ENV, TIMES_FASTER } from '../../scripts/story.ts'
import { dashboards } from '../dashboards.ts'
import { Painter } from './draw.ts'

const SHOWN_SECONDS = 60
/** Grafana makes the window of a rate of four scrapes. */
const SCRAPE_SECONDS = 10 / TIMES_FASTER
const OUT = join(import.meta.dir, '../../.run/pictures')
const LOAD = join(import.meta.dir, 'load')
const LOOK_AGAIN_AFTER_MS = 200

const wanted = Bun.argv.slice(2)
const isWanted = (scene: string) => wanted.length === 0 || wanted.includes(scene)

process.exit(await main())

async function main(): Promise<number> {
  await using painter = await Painter.start()
  await using running = await startFreeStack(TIMES_FASTER, STORY_ENV)
  let wrong = 0
  const draw = async (scene: string) => {
    if (isWanted(scene)) wrong += await drawAll(painter, running, scene)
  }

  await Bun.sleep((SHOWN_SECONDS / 2) * 1000)
  await draw('calm')
  const traffic = new Traffic(running.urls.gateway, { giveUpMs: 1000, postEvery: 5 })
  try {
    await Bun.sleep(SHOWN_SECONDS * 1000)
    await draw('load')
    for (const step of story.filter(({ title }) => isWanted(sceneOf(title)))) {
      await step.begin(running)
      while (!(await firingAlerts(running.urls.prometheus)).includes(step.alert)) {
        await step.meanwhile?.(running)
        await Bun.sleep(LOOK_AGAIN_AFTER_MS)
      }
      await draw(sceneOf(step.title))
      await step.end(running)
    }
    await running.stack.stopOne('gateway')
    await Bun.sleep((SHOWN_SECONDS / 4) * 1000)
    await draw('no-gateway')
  } finally {
    await traffic.stop()
  }
  for (const error of painter.errors) console.log(`an exception in a page: ${error}`)
  console.log(`${wrong} findings`)
  return wrong + painter.errors.length === 0 ? 0 : 1
}

/** @returns the number of findings */
async function drawAll(painter: Painter, { urls }: FreeStack, scene: string): Promise<number> {
  const toSeconds = Date.now() / 1000
  const look = {
    prometheus: urls.prometheus,
    fromSeconds: toSeconds - SHOWN_SECONDS,
    toSeconds,
    stepSeconds: SCRAPE_SECONDS,
    rateInterval: `${4 * SCRAPE_SECONDS}s`,
  }
  let wrong = 0
  for (const dashboard of dashboards) {
    const { picture, findings } = await painter.draw(JSON.parse(JSON.stringify(dashboard)), look)
    await Bun.write(join(OUT, scene, `${dashboard.uid}.png`), picture)
    if (scene === 'load' && dashboard.uid !== 'runbooks')
      await Bun.write(join(LOAD, `${dashboard.uid}.png`), picture)
    for (const { panel, what, detail } of findings)
      console.log(`${scene}: ${dashboard.title}: ${panel}: ${what} ${detail}`)
    wrong += findings.length
  }
  console.log(`${scene}: ${dashboards.length} dashboards`)
  return wrong
}

/** `a service is down`: `a-service-is-down`. */
function sceneOf(title: string): string {
  return title.replaceAll(' ', '-')
}
