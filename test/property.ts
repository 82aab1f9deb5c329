import fc from 'fast-check';

/** How much a property is tried. */
export interface PropertyBudget {
  /** Runs on a machine that is quick enough. `MODEL_RUNS=…` asks for another number, however long that takes. */
  readonly runs: number;
  /** So many are made on any machine, or the property fails and says so. */
  readonly runsMin: number;
  /**
   * After this time no further run begins, if there were `runsMin`, and nothing is missing.
   * @default 10 seconds
   */
  readonly budgetMs?: number;
  /** What no run has led to so far, and some run must: the others prove nothing without it. */
  readonly missing?: () => readonly unknown[];
  /**
   * After this time the run under way is told to stop, and there is no other.
   * @default 5 minutes
   */
  readonly capMs?: number;
}

/** One run: it throws soon after its signal was aborted, and closes what it opened in any case. */
export type PropertyRun<T> = (value: T, signal: AbortSignal) => Promise<void>;

const ASKED = process.env['MODEL_RUNS'];
const BUDGET_MS = 10_000;
const CAP_MS = Math.max(300_000, Number(ASKED ?? 0) * 3_000);
/** A run that was told to stop ends within this time, or it hangs. */
const STOP_MS = 20_000;

/** The longest that a timer can hold: fast-check has no word for none, and property-seed.js sets another for all tests. */
const NO_LIMIT = 2_147_483_647;

/** Time limit of a test that checks one property: a guard only, because the property itself ends earlier. */
export const PROPERTY_TEST_MS = CAP_MS + 2 * STOP_MS;

/**
 * Tries a property whose runs await something: one at a time, and when it ends, no run is left. The limits of time that
 * fast-check has itself would leave the one under way to go on beside the tests that follow.
 */
export async function checkProperty<T>(
  values: fc.Arbitrary<T>,
  run: PropertyRun<T>,
  budget: PropertyBudget,
): Promise<void> {
  const property = new RunningProperty(run, asked(budget));
  try {
    const each = fc.asyncProperty(values, (value) => property.run(value));
    await fc.assert(each, { numRuns: property.budget.runs, interruptAfterTimeLimit: NO_LIMIT });
  } finally {
    property.end();
  }
  property.judge();
}

/** The same for one value that is given. */
export function checkScript<T>(value: T, run: PropertyRun<T>): Promise<void> {
  return checkProperty(fc.constant(value), (one, signal) => run(one, signal), { runs: 1, runsMin: 1 });
}

function asked(budget: PropertyBudget): Required<PropertyBudget> {
  const whole = { budgetMs: BUDGET_MS, capMs: CAP_MS, missing: () => [], ...budget };
  if (ASKED === undefined || budget.runs === 1) return whole;
  return { ...whole, runs: Number(ASKED), runsMin: Number(ASKED), budgetMs: Infinity };
}

class RunningProperty<T> {
  readonly budget: Required<PropertyBudget>;
  readonly #run: PropertyRun<T>;
  readonly #beganAtMs = performance.now();
  readonly #stop = new AbortController();
  readonly #cap: NodeJS.Timeout;
  #runs = 0;
  #hasFailed = false;
  #last: T | undefined;

  constructor(run: PropertyRun<T>, budget: Required<PropertyBudget>) {
    this.#run = run;
    this.budget = budget;
    this.#cap = setTimeout(() => this.#stop.abort(), budget.capMs);
  }

  /** Nothing, once it is over: fast-check cannot be told to stop, but what does nothing costs nothing. */
  async run(value: T): Promise<void> {
    if (this.#isOver()) return;
    const { signal } = this.#stop;
    this.#last = value;
    try {
      await untilStopped(this.#run(value, signal), signal);
      this.#runs += 1;
    } catch (error) {
      // What was told to stop says nothing about the property.
      if (signal.aborted && !(error instanceof HangingRun)) return;
      this.#hasFailed = true;
      throw error;
    }
  }

  end(): void {
    clearTimeout(this.#cap);
  }

  /** Throws if there was too little to believe in the property. */
  judge(): void {
    const { runs, runsMin, capMs, missing } = this.budget;
    const ended = `${this.#runs} runs in ${Math.round(performance.now() - this.#beganAtMs)} ms`;
    if (this.#runs < Math.min(runs, runsMin)) {
      const last = fc.stringify(this.#last);
      throw new Error(
        `${ended}, at least ${runsMin} expected within ${capMs} ms: the machine is too slow, or this run is: ${last}`,
      );
    }
    if (missing().length > 0) throw new Error(`${ended}, and none of them led to ${missing().map(String).join(', ')}`);
  }

  #isOver(): boolean {
    const { runsMin, budgetMs, missing } = this.budget;
    if (this.#stop.signal.aborted) return true;
    // Shrinking may take all the time that is left.
    if (this.#hasFailed || this.#runs < runsMin || missing().length > 0) return false;
    return performance.now() - this.#beganAtMs > budgetMs;
  }
}

/** It did not end though it was told to, and may do anything beside the tests that follow. */
class HangingRun extends Error {}

/** As the run ends; rejects if it goes on for long after its signal was aborted. */
async function untilStopped(running: Promise<void>, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort = (): void => undefined;
  const hangs = new Promise<never>((_, reject) => {
    const hang = (): void => reject(new HangingRun(`it goes on ${STOP_MS} ms after it was told to stop`));
    onAbort = () => void (timer = setTimeout(hang, STOP_MS));
    signal.addEventListener('abort', onAbort);
  });
  try {
    await Promise.race([running, hangs]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    clearTimeout(timer);
  }
}
