import type { Store } from 'nestjs-runhooks/core';
import { appendCases } from './store-contract/append.js';
import { auditCases } from './store-contract/audit.js';
import { StoreHarness } from './store-contract/store-harness.js';
import { claimDeliveriesCases } from './store-contract/claim-deliveries.js';
import { claimMessagesCases } from './store-contract/claim-messages.js';
import { closeCases } from './store-contract/close.js';
import { contentCases } from './store-contract/content.js';
import type { ContractCase } from './store-contract/contract-case.js';
import { countsCases } from './store-contract/counts.js';
import { deadLetterCases } from './store-contract/dead-letter.js';
import { dismissCases } from './store-contract/dismiss.js';
import { dueDeliveriesCases } from './store-contract/due-deliveries.js';
import { eraseCases } from './store-contract/erase.js';
import { jobCases } from './store-contract/jobs.js';
import { laneCases } from './store-contract/lanes.js';
import { listCases } from './store-contract/list.js';
import { lookUpCases } from './store-contract/look-up.js';
import { nextDueAtCases } from './store-contract/next-due-at.js';
import { pullBackCases } from './store-contract/pull-back.js';
import { purgeBrakeCases } from './store-contract/purge-brake.js';
import { purgeCases } from './store-contract/purge.js';
import { recordBatchCases } from './store-contract/record-batch.js';
import { recordEventsCases } from './store-contract/record-events.js';
import { recordCases } from './store-contract/record.js';
import { redriveCases } from './store-contract/redrive.js';
import { registerCases } from './store-contract/register.js';
import { renewCases } from './store-contract/renew.js';
import { reopenCases } from './store-contract/reopen.js';
import { replayCases } from './store-contract/replay.js';
import { rereadCases } from './store-contract/reparse.js';
import { settleCases } from './store-contract/settle.js';
import { settleWithCases } from './store-contract/settle-with.js';
import { taskCases } from './store-contract/tasks.js';
import { turnsCases } from './store-contract/turns.js';

/** One promise of the {@link Store} port. */
export interface StoreContractTest {
  readonly title: string;
  /** Rejects with an `AssertionError` if the store breaks the promise. Makes a store of its own and closes it. */
  run(): Promise<void>;
}

export interface StoreContractOptions {
  /**
   * Opens what a store keeps once more, as after a restart: closes the store and answers another one over the same
   * data. Without it nothing is said about durability.
   */
  readonly reopen?: (store: Store) => Promise<Store>;
  /** Whether handlers can write to the store's database: then its `settleWith` is tested, too. */
  readonly settlesWith?: boolean;
}

const CASES: readonly ContractCase[] = [
  ...appendCases,
  ...contentCases,
  ...claimMessagesCases,
  ...recordCases,
  ...recordEventsCases,
  ...recordBatchCases,
  ...jobCases,
  ...claimDeliveriesCases,
  ...laneCases,
  ...turnsCases,
  ...dueDeliveriesCases,
  ...nextDueAtCases,
  ...renewCases,
  ...settleCases,
  ...deadLetterCases,
  ...redriveCases,
  ...dismissCases,
  ...replayCases,
  ...rereadCases,
  ...eraseCases,
  ...auditCases,
  ...taskCases,
  ...purgeCases,
  ...purgeBrakeCases,
  ...pullBackCases,
  ...registerCases,
  ...listCases,
  ...lookUpCases,
  ...countsCases,
  ...closeCases,
];

/**
 * What every {@link Store} must do, as tests for any runner:
 *
 * ```ts
 * for (const { title, run } of storeContract(createStore)) it(title, run);
 * ```
 *
 * @param createStore answers an open store with nothing in it, a new one on each call
 */
export function storeContract(
  createStore: () => Promise<Store>,
  { reopen, settlesWith = false }: StoreContractOptions = {},
): StoreContractTest[] {
  const optional = [...(reopen ? reopenCases(reopen) : []), ...(settlesWith ? settleWithCases : [])];
  return [...CASES, ...optional].map(({ title, run }) => ({
    title,
    run: async () => {
      const harness = new StoreHarness(await createStore());
      try {
        await run(harness);
      } finally {
        await harness.store.close();
      }
    },
  }));
}
