/** A time limit that may begin later than it is made, and that nothing begins once it is over. */
export class Deadline {
  #timer: Timer | undefined
  #isOver = false

  constructor(
    readonly afterMs: number,
    readonly onPassed: () => void,
  ) {}

  start(): void {
    if (!this.#isOver) this.#timer = setTimeout(this.onPassed, this.afterMs)
  }

  cancel(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
  }
}
