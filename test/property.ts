import fc from 'fast-check';

/** Limits for the runs of a property. */
export interface PropertyBudget {
  /** Runs on a fast machine. `MODEL_RUNS=…` sets another number, whatever time that takes. */
  readonly runs: number;
  /** Minimum number of runs on any machine; with fewer the property fails. */
  readonly runsMin: number;
  /**
   * Time after which no further run begins, if there were `runsMin` runs and nothing is missing.
   * @default 10 seconds
   */
  readonly budgetMs?: number;
  /**
   * Returns results that no run has reached so far but some run must reach; without them the property proves nothing.
   */
  readonly missing?: () => readonly unknown[];
  /**
   * Time after which the current run is aborted and no other begins.
   * @default 5 minutes
   */
  readonly capMs?: number;
}

/** One run. It throws soon after its signal is aborted, and always closes what it opened. */
export type PropertyRun<T> = (value: T, signal: AbortSignal) => Promise<void>;

const REQUESTED_RUNS = process.env['MODEL_RUNS'];
const BUDGET_MS = 10_000;
const CAP_MS = Math.max(300_000, Number(REQUESTED_RUNS ?? 0) * 3_000);
/** Time within which an aborted run must end; otherwise it hangs. */
const STOP_MS = 20_000;

/**
 * The longest time a timer can hold. fast-check has no value for “no limit”, and property-seed.js sets a limit for all
 * tests.
 */
const NO_LIMIT = 2_147_483_647;

/** Time limit of a test that checks one property. It only guards against a hang, because the property ends earlier. */
export const PROPERTY_TEST_MS = CAP_MS + 2 * STOP_MS;

/**
 * Checks a property whose runs are asynchronous: one run at a time, and none is left when it ends. fast-check's own
 * time limits would let the current run continue beside the tests that follow.
 */
export async function checkProperty<T>(
  values: fc.Arbitrary<T>,
  run: PropertyRun<T>,
  budget: PropertyBudget,
): Promise<void> {
  const property = new RunningProperty(run, withRequestedRuns(budget));
  try {
    const each = fc.asyncProperty(values, (value) => property.run(value));
    await fc.assert(each, { numRuns: property.budget.runs, interruptAfterTimeLimit: NO_LIMIT });
  } finally {
    property.end();
  }
  property.checkRuns();
}

/** Checks one given value. */
export function checkScript<T>(value: T, run: PropertyRun<T>): Promise<void> {
  return checkProperty(fc.constant(value), (one, signal) => run(one, signal), { runs: 1, runsMin: 1 });
}

function withRequestedRuns(budget: PropertyBudget): Required<PropertyBudget> {
  const whole = { budgetMs: BUDGET_MS, capMs: CAP_MS, missing: () => [], ...budget };
  if (REQUESTED_RUNS === undefined || budget.runs === 1) return whole;
  return { ...whole, runs: Number(REQUESTED_RUNS), runsMin: Number(REQUESTED_RUNS), budgetMs: Infinity };
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

  /** Does nothing once the property is over, because fast-check cannot be stopped earlier. */
  async run(value: T): Promise<void> {
    if (this.#isOver()) return;
    const { signal } = this.#stop;
    this.#last = value;
    try {
      await untilStopped(this.#run(value, signal), signal);
      this.#runs += 1;
    } catch (error) {
      // An aborted run proves nothing about the property.
      if (signal.aborted && !(error instanceof HangingRun)) return;
      this.#hasFailed = true;
      throw error;
    }
  }

  end(): void {
    clearTimeout(this.#cap);
  }

  /** Throws if there were too few runs to trust the property. */
  checkRuns(): void {
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
    // Shrinking may use all the time that is left.
    if (this.#hasFailed || this.#runs < runsMin || missing().length > 0) return false;
    return performance.now() - this.#beganAtMs > budgetMs;
  }
}

/** The error of a run that did not end after its abort and may disturb the tests that follow. */
class HangingRun extends Error {}

/** Settles like the run; rejects if the run continues for long after its signal was aborted. */
async function untilStopped(running: Promise<void>, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort = (): void => undefined;
  const hangs = new Promise<never>((_, reject) => {
    const hang = (): void => reject(new HangingRun(`the run continues ${STOP_MS} ms after its abort`));
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
