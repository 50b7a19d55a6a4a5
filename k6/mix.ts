/** What users do and how often: the mix of the original, 95 % lists and 5 % writes. */

/** Out of a thousand iterations. Writes are split 40, 30, 30. */
export const mix = { list: 950, create: 20, change: 15, delete: 15 } as const

/** One of the operations that thresholds are set on; also the value of the tag `op`. */
export type Operation = keyof typeof mix

/**
 * The operation at a point of the mix.
 * @param point from 0 to below 1, as Math.random() gives
 */
export function operationAt(point: number): Operation {
  let rest = point * 1000
  for (const [operation, parts] of Object.entries(mix) as [Operation, number][]) {
    rest -= parts
    if (rest < 0) return operation
  }
  throw new RangeError(`a point of the mix is from 0 to below 1, not ${point}`)
}
