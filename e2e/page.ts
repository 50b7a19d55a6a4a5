/** Adds up the samples of a metrics page in text format 0.0.4. */
export class Page {
  readonly #samples: readonly string[]
  readonly families: readonly string[]

  constructor(text: string) {
    const lines = text.split('\n')
    this.#samples = lines.filter((line) => line !== '' && !line.startsWith('#'))
    this.families = lines.flatMap((line) => /^# TYPE (\S+)/.exec(line)?.[1] ?? [])
  }

  static async read(url: string): Promise<Page> {
    return new Page(await (await fetch(url)).text())
  }

  get series(): number {
    return this.#samples.length
  }

  /** The sum of all series of a metric, or of those that have a label. */
  sum(metric: string, label = ''): number {
    return this.#samples
      .filter((line) => /^[^{ ]+/.exec(line)![0] === metric && line.includes(label))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
  }
}
