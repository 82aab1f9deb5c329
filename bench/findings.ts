import type { Figure } from './figures.js';
import type { TargetKey } from './targets.js';

/** The figures of a contender in one regime. */
export interface Line {
  readonly title: string;
  readonly payload: string;
  readonly perSecond: Figure;
  readonly p50Ms: Figure;
  readonly p99Ms: Figure;
  /** CPU time of the contender's processes per message. */
  readonly cpuUs: Figure;
  /** CPU time of Redis and Postgres per message; zero if the contender uses neither. */
  readonly serverCpuUs: Figure;
  readonly appShare: Figure;
  readonly loadShare: Figure;
}

/** The results of a scenario. */
export interface Findings {
  readonly targets: Partial<Record<TargetKey, Figure>>;
  /** Contenders side by side, by table title. */
  readonly lines?: Readonly<Record<string, readonly Line[]>>;
  /** Further ratios and other notes for the reader. */
  readonly notes?: readonly string[];
}
