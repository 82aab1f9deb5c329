import type { StoreHarness } from './store-harness.js';

/** One promise of the `Store` port, put to the test on an empty store. */
export interface ContractCase {
  readonly title: string;
  readonly run: (harness: StoreHarness) => Promise<void>;
}
