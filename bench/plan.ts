/**
 * Number and length of the measurements. A round is one turn of every contender; seconds are the approximate length of
 * a turn.
 */
export interface Plan {
  /** Requests before a contender's first turn, so that the JIT compiler has optimized all code. */
  readonly warmUp: number;
  readonly burst: { readonly rounds: number; readonly seconds: number };
  readonly sustained: { readonly rounds: number; readonly seconds: number; readonly pacedSeconds: number };
  readonly slowDisk: { readonly rounds: number; readonly seconds: number; readonly pacedSeconds: number };
  readonly handOff: { readonly rounds: number; readonly pacedSeconds: number };
  readonly drain: {
    readonly rounds: number;
    readonly backlog: number;
    readonly flatBacklog: number;
    readonly fewRows: number;
    readonly manyRows: number;
  };
  readonly boot: { readonly rounds: number };
  readonly otherRoutes: { readonly rounds: number; readonly seconds: number };
}

export const FULL: Plan = {
  warmUp: 8_000,
  burst: { rounds: 9, seconds: 1.5 },
  sustained: { rounds: 5, seconds: 2.5, pacedSeconds: 5 },
  slowDisk: { rounds: 5, seconds: 1.5, pacedSeconds: 10 },
  handOff: { rounds: 5, pacedSeconds: 10 },
  drain: { rounds: 3, backlog: 100_000, flatBacklog: 20_000, fewRows: 10_000, manyRows: 1_000_000 },
  boot: { rounds: 15 },
  otherRoutes: { rounds: 15, seconds: 1 },
};

/**
 * A short plan that shows whether everything works and whether a figure changed by half. Its figures decide nothing.
 */
export const QUICK: Plan = {
  warmUp: 2_000,
  burst: { rounds: 2, seconds: 0.4 },
  sustained: { rounds: 2, seconds: 0.5, pacedSeconds: 1 },
  slowDisk: { rounds: 2, seconds: 0.5, pacedSeconds: 2 },
  handOff: { rounds: 1, pacedSeconds: 3 },
  drain: { rounds: 1, backlog: 10_000, flatBacklog: 5_000, fewRows: 5_000, manyRows: 40_000 },
  boot: { rounds: 3 },
  otherRoutes: { rounds: 3, seconds: 0.4 },
};
