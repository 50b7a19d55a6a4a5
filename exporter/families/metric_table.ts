/**
 * The tables that declare the metrics of both namespaces: each row has a name, a type, a help text, the kind of thing that
 * has a sample (worker, socket, ...), and its value. packages/metrics writes the families that are made from a table.
 */
import { labelText, type page } from '@bun-monitoring/metrics'

/** A family as packages/metrics writes it. */
export type Family = Parameters<typeof page>[0] extends Iterable<infer Each> ? Each : never

export type Value = number | undefined

/** A thing that has samples, and its labels as text, which all families share. */
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

/** The key of a number of the thing, or a function for any other value. */
type Source<Thing> = NumberKey<Thing> | ((thing: Thing) => Value)
type NumberKey<Thing> = { [Key in keyof Thing]-?: Thing[Key] extends Value ? Key : never }[keyof Thing]

/**
 * Makes rows of one namespace.
 * @param publish the value of the sample for a value of the document; without a value there is no sample.
 */
export function rowsOf<Kinds>(prefix: string, publish: (value: Value) => Value) {
  const rowsOfType =
    (type: 'counter' | 'gauge') =>
    <Kind extends keyof Kinds>(
      kind: Kind,
      name: string,
      help: string,
      source: Source<Kinds[Kind]>,
    ): Row<Kinds> => {
      const valueOf = typeof source === 'function' ? source : (thing: Kinds[Kind]) => thing[source] as Value
      return {
        name: prefix + name,
        type,
        help,
        *samples({ [kind]: labelled }) {
          for (const { labels, thing } of labelled) {
            const value = publish(valueOf(thing))
            if (value !== undefined) yield { labels, value }
          }
        },
      }
    }
  return { counter: rowsOfType('counter'), gauge: rowsOfType('gauge') }
}

/** Of things with equal labels, the first: Prometheus rejects a page with a repeated series. */
export const firstOfEach = <Thing>(things: readonly Labelled<Thing>[]): Labelled<Thing>[] =>
  Array.from(Map.groupBy(things, ({ labels }) => labels).values(), ([first]) => first!)

/** The families of a table that have a sample. Samples are computed while the page is written. */
export function familiesOf<Kinds>(rows: readonly Row<Kinds>[], things: Things<Kinds>): Family[] {
  const families = rows.map(({ name, type, help, samples }) => ({
    name,
    type,
    help,
    series: { [Symbol.iterator]: () => samples(things)[Symbol.iterator]() },
  }))
  return families.filter(({ series }) => !series[Symbol.iterator]().next().done)
}

/** A family with one sample that does not come from a document. */
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

/** Converts microseconds. Division gives the nearest number; multiplication by 1e-6 differs in the last digit. */
export const seconds = (microseconds: Value): Value =>
  microseconds === undefined ? undefined : microseconds / 1e6
