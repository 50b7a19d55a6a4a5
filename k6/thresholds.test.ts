import { expect, test } from 'bun:test'
import { mix } from './mix.ts'
import { rates, stepName } from './steps.ts'
import { thresholdsFor } from './thresholds.ts'

const operations = Object.keys(mix)

test('every operation is used, fast in 95 of 100 cases, and fails in less than 1 of 100; a list never fails', () => {
  const thresholds = thresholdsFor(false)
  for (const operation of operations) {
    expect(thresholds[`http_reqs{op:${operation}}`]).toEqual(['count>0'])
    expect(thresholds[`http_req_duration{op:${operation}}`]).toEqual(['p(95)<500'])
    const failures = operation === 'list' ? 'rate==0' : 'rate<0.01'
    expect(thresholds[`http_req_failed{op:${operation}}`]).toEqual([failures])
  }
  expect(thresholds.checks).toEqual(['rate>0.99'])
  expect(thresholds.dropped_iterations).toEqual(['count<100'])
  expect(Object.keys(thresholds)).toHaveLength(2 + 3 * operations.length)
})

test('a shape that looks for its limit ends with the first threshold that is crossed, also by one step alone', () => {
  const thresholds = thresholdsFor(true)
  const ending = (threshold: string) => [{ threshold, abortOnFail: true, delayAbortEval: '5s' }]
  for (const operation of operations) {
    expect(thresholds[`http_req_duration{op:${operation}}`]).toEqual(ending('p(95)<500'))
    // Rare operations may come late.
    expect(thresholds[`http_reqs{op:${operation}}`]).toEqual(['count>0'])
  }
  for (const step of rates.map(stepName)) {
    expect(thresholds[`http_reqs{step:${step}}`]).toEqual(['count>=0'])
    expect(thresholds[`http_req_failed{step:${step}}`]).toEqual(ending('rate<0.01'))
    expect(thresholds[`http_req_duration{step:${step}}`]).toEqual(ending('p(95)<500'))
  }
})
