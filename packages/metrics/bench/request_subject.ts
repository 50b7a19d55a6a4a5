/**
 * The cost of a request without a server: calls the app that the argument names many times, and prints the CPU nanoseconds of
 * a call in the best round. Nothing but the app runs, so this shows differences that are too small beside the cost of a
 * socket.
 */
import { cpuUsOfCall } from './measure.ts'
import { appOf } from './request_apps.ts'

const CALLS = 20_000
const ROUNDS = 30

const { fetch } = appOf(Bun.argv[2]!)

async function callOften(): Promise<void> {
  for (let i = 0; i < CALLS; i++) {
    const response = fetch(new Request('http://127.0.0.1:8001/dogs/50'))
    if (response instanceof Promise) await response
  }
}

let bestUs = Infinity
for (let round = 0; round < ROUNDS; round++) bestUs = Math.min(bestUs, await cpuUsOfCall(callOften))
console.log(Math.round((bestUs / CALLS) * 1000))
