import type { StoreBench } from './bench.js';

/** One promise of the `Store` port, put to the test on an empty store. */
export interface ContractCase {
  readonly title: string;
  readonly run: (bench: StoreBench) => Promise<void>;
}
