/**
 * What the two namespaces are made of: a table of families, each with the kind of thing that it has a sample of, and the
 * value. Pure: readings in, families out, which packages/metrics writes. Values are fresh each time, so a worker that is
 * gone is gone.
 */
import { labelText, type page } from '@bun-monitoring/metrics'

/** A family as packages/metrics writes it. */
export type Family = Parameters<typeof page>[0] extends Iterable<infer Each> ? Each : never

export type Value = number | undefined

/** A thing to be sampled, and its labels, which are written once for all families. */
export interface Labelled<Thing> {
  labels: string
  thing: Thing
}

/** All things of a scrape by their kind. */
export type Things<Kinds> = { [Kind in keyof Kinds]: readonly Labelled<Kinds[Kind]>[] }

/** A row of the table. */
export interface Row<Kinds> {
  name: string
  type: 'counter' | 'gauge'
  help: string
  samples(things: Things<Kinds>): Iterable<Sample>
}

interface Sample {
  labels: string
  value: number
}

/** Makes the rows of one namespace. A thing without the value has no sample: it is never made up. */
export const rowsOf =
  <Kinds>(prefix: string) =>
  <Kind extends keyof Kinds>(
    kind: Kind,
    name: string,
    type: 'counter' | 'gauge',
    help: string,
    valueOf: (thing: Kinds[Kind]) => Value,
  ): Row<Kinds> => ({
    name: prefix + name,
    type,
    help,
    *samples({ [kind]: labelled }) {
      for (const { labels, thing } of labelled) {
        const value = valueOf(thing)
        if (value !== undefined) yield { labels, value }
      }
    },
  })

/** The families of a table; those without a sample are left out. Samples are made while they are written. */
export function familiesOf<Kinds>(rows: readonly Row<Kinds>[], things: Things<Kinds>): Family[] {
  const families = rows.map(({ name, type, help, samples }) => ({
    name,
    type,
    help,
    series: { [Symbol.iterator]: () => samples(things)[Symbol.iterator]() },
  }))
  return families.filter(({ series }) => !series[Symbol.iterator]().next().done)
}

/** A family of one sample that does not come from a document. */
export const single = (
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  value: number,
  labels = '',
): Family => ({ name, type, help, series: [{ labels, value }] })

/** Labels as text: `app="dogs",worker="1"`. */
export const labelled = (labels: Readonly<Record<string, string>>): string =>
  labelText(Object.keys(labels), Object.values(labels))

/** Documents have microseconds. Dividing gives the nearest number, which multiplying by 1e-6 does not. */
export const seconds = (microseconds: Value): Value =>
  microseconds === undefined ? undefined : microseconds / 1e6
