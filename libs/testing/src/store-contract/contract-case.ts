import type { StoreHarness } from './store-harness.js';

/** Test of one guarantee of the `Store` port on an empty store. */
export interface ContractCase {
  readonly title: string;
  readonly run: (harness: StoreHarness) => Promise<void>;
}
