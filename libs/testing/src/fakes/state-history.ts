/** Every state that an object has had, so that a list can show an older one. */
export class StateHistory<T> {
  readonly #states: { readonly atMs: number; readonly state: T }[];

  constructor(at: Date, state: T) {
    this.#states = [{ atMs: at.getTime(), state }];
  }

  get current(): T {
    return this.#states[this.#states.length - 1]?.state as T;
  }

  change(at: Date, changes: Partial<T>): void {
    this.#states.push({ atMs: at.getTime(), state: { ...this.current, ...changes } });
  }

  /** Returns the state at a time, or `undefined` before the first one. */
  at(time: Date): T | undefined {
    return this.#states.findLast(({ atMs }) => atMs <= time.getTime())?.state;
  }
}
