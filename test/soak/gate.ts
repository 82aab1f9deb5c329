/** Lets work start while fewer than `max` pieces of work are in progress. */
export class Gate {
  readonly #max: number;
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;

  constructor(max: number) {
    this.#max = max;
  }

  async enter(): Promise<void> {
    if (this.#underWay >= this.#max) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#underWay += 1;
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#underWay -= 1;
  }

  /** Waits until no work is in progress. */
  async empty(): Promise<void> {
    for (let place = 0; place < this.#max; place += 1) await this.enter();
    for (let place = 0; place < this.#max; place += 1) this.leave();
  }
}
