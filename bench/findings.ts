import type { Figure } from './figures.js';
import type { TargetKey } from './targets.js';

/** A contender's figures in one regime. */
export interface Line {
  readonly title: string;
  readonly payload: string;
  readonly perSecond: Figure;
  readonly p50Ms: Figure;
  readonly p99Ms: Figure;
  readonly cpuUs: Figure;
  readonly serverShare: Figure;
  readonly loadShare: Figure;
}

/** What a scenario found. */
export interface Findings {
  readonly targets: Partial<Record<TargetKey, Figure>>;
  /** Contenders side by side, under a title. */
  readonly lines?: Readonly<Record<string, readonly Line[]>>;
  /** What else a reader must know, and further ratios. */
  readonly notes?: readonly string[];
}
