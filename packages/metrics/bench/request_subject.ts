/**
 * What a request costs without a server: the app that the argument names is called many times, and the CPU nanoseconds of
 * a call in the best round are said on standard output. Nothing but the app runs, so this tells differences that drown in
 * what a socket costs.
 */
import { cpuUsOfCall } from './measure.ts'
import { appOf } from './request_apps.ts'

const CALLS = 20_000
const ROUNDS = 30

const { fetch } = appOf(Bun.argv[2]!)

async function callOften(): Promise<void> {
  for (let i = 0; i < CALLS; i++) {
    const answer = fetch(new Request('http://127.0.0.1:8001/dogs/50'))
    if (answer instanceof Promise) await answer
  }
}

let bestUs = Infinity
for (let round = 0; round < ROUNDS; round++) bestUs = Math.min(bestUs, await cpuUsOfCall(callOften))
console.log(Math.round((bestUs / CALLS) * 1000))
