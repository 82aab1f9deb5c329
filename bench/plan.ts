/**
 * Number and length of the measurements. A round is one turn of every contender; seconds are the approximate length of
 * a turn.
 */
export interface Plan {
  /** Whether contenders take part that no target needs. */
  readonly hasEveryContender: boolean;
  /** Requests before a contender's first turn, so that the JIT compiler has optimized all code; slow ones send fewer. */
  readonly warmUp: { readonly requests: number; readonly msMax: number };
  readonly burst: Turns;
  readonly sustained: Turns & { readonly pacedSeconds: number };
  readonly slowDisk: Turns & { readonly pacedRounds: number; readonly pacedSeconds: number };
  readonly handOff: { readonly rounds: number; readonly pacedSeconds: number; readonly commits: number };
  readonly drain: {
    readonly rounds: number;
    readonly backlog: number;
    readonly fewRows: number;
    readonly manyRows: number;
    readonly sustainedSeconds: number;
  };
  readonly boot: { readonly rounds: number };
  readonly otherRoutes: Turns;
}

interface Turns {
  readonly rounds: number;
  readonly seconds: number;
}

export const FULL: Plan = {
  hasEveryContender: true,
  warmUp: { requests: 8_000, msMax: 4_000 },
  burst: { rounds: 15, seconds: 1 },
  sustained: { rounds: 11, seconds: 1.5, pacedSeconds: 5 },
  slowDisk: { rounds: 7, seconds: 1, pacedRounds: 3, pacedSeconds: 10 },
  handOff: { rounds: 7, pacedSeconds: 5, commits: 500 },
  drain: { rounds: 5, backlog: 20_000, fewRows: 10_000, manyRows: 1_000_000, sustainedSeconds: 2 },
  boot: { rounds: 15 },
  otherRoutes: { rounds: 15, seconds: 1 },
};

/** Many short rounds: every target within three minutes. Only contenders that targets need take part. */
export const QUICK: Plan = {
  hasEveryContender: false,
  warmUp: { requests: 8_000, msMax: 2_500 },
  burst: { rounds: 9, seconds: 0.2 },
  sustained: { rounds: 7, seconds: 0.3, pacedSeconds: 1 },
  slowDisk: { rounds: 5, seconds: 0.3, pacedRounds: 3, pacedSeconds: 1 },
  handOff: { rounds: 3, pacedSeconds: 1, commits: 100 },
  drain: { rounds: 5, backlog: 4_000, fewRows: 4_000, manyRows: 20_000, sustainedSeconds: 0.4 },
  boot: { rounds: 5 },
  otherRoutes: { rounds: 7, seconds: 0.2 },
};
