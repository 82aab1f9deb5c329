import type { Store } from 'nestjs-runhooks/core';
import type { ContractCase } from './contract-case.js';
import { StoreHarness } from './store-harness.js';
import { actionsListCases } from './actions/actions-list.js';
import { actionsUpkeepCases } from './actions/actions-upkeep.js';
import { advanceActionCases } from './actions/advance.js';
import { answerActionCases } from './actions/answer.js';
import { beginActionCases } from './actions/begin.js';
import { decideActionCases } from './actions/decide.js';
import { markedRunCases } from './actions/marked-run.js';
import { retriedRunCases } from './actions/retried-run.js';
import { appendCases } from './accept/append.js';
import { appendClaimedCases } from './accept/append-claimed.js';
import { contentCases } from './accept/content.js';
import { claimDeliveriesCases } from './deliveries/claim-deliveries.js';
import { deadLetterCases } from './deliveries/dead-letter.js';
import { dueDeliveriesCases } from './deliveries/due-deliveries.js';
import { laneCases } from './deliveries/lanes.js';
import { nextDueAtCases } from './deliveries/next-due-at.js';
import { renewCases } from './deliveries/renew.js';
import { releaseCases } from './deliveries/release.js';
import { settleBatchCases } from './deliveries/settle-batch.js';
import { settleDecideCases } from './deliveries/settle-decide.js';
import { settleWaitingCases } from './deliveries/settle-waiting.js';
import { settleWithCases } from './deliveries/settle-with.js';
import { settleCases } from './deliveries/settle.js';
import { evaluateCases } from './deliveries/evaluate.js';
import { taskCases } from './deliveries/tasks.js';
import { turnsCases } from './deliveries/turns.js';
import { countsCases } from './lists/counts.js';
import { listCases } from './lists/list.js';
import { lookUpCases } from './lists/look-up.js';
import { auditCases } from './operator/audit.js';
import { dismissCases } from './operator/dismiss.js';
import { eraseCases } from './operator/erase.js';
import { redriveCases } from './operator/redrive.js';
import { reparseCases } from './operator/reparse.js';
import { replayCases } from './operator/replay.js';
import { claimMessagesCases } from './parsing/claim-messages.js';
import { jobAliasCases } from './parsing/job-aliases.js';
import { jobCases } from './parsing/jobs.js';
import { recordBatchCases } from './parsing/record-batch.js';
import { recordClaimedCases } from './parsing/record-claimed.js';
import { recordEventsCases } from './parsing/record-events.js';
import { recordCases } from './parsing/record.js';
import { nodesCases } from './results/nodes.js';
import { recordNodesCases } from './results/record-nodes.js';
import { resultsUpkeepCases } from './results/results-upkeep.js';
import { saveResultsCases } from './results/save.js';
import { reportedRunsCases } from './rounds/reported-runs.js';
import { roundsCases } from './rounds/rounds.js';
import { closeCases } from './upkeep/close.js';
import { pullBackCases } from './upkeep/pull-back.js';
import { purgeBrakeCases } from './upkeep/purge-brake.js';
import { purgeCases } from './upkeep/purge.js';
import { goneLeaseCases, goneProcessCases } from './upkeep/gone-processes.js';
import { registerCases } from './upkeep/register.js';
import { reopenCases } from './upkeep/reopen.js';

/** Test of one guarantee of the {@link Store} port. */
export interface StoreContractTest {
  readonly title: string;
  /** Opens a new store and closes it. Rejects with an `AssertionError` if the store breaks the guarantee. */
  run(): Promise<void>;
}

/** Options for {@link storeContract}. */
export interface StoreContractOptions {
  /**
   * Closes a store and opens another one over the same data, as after a restart. Without this option durability is not
   * tested.
   */
  readonly reopen?: (store: Store) => Promise<Store>;
  /** Whether the store has `settleWith`, because handlers can write to its database. @default false */
  readonly settlesWith?: boolean;
  /** Whether the store has `release`, and so stores work as already claimed. @default false */
  readonly releases?: boolean;
  /** Whether the store has `rounds`, and so can keep sources with access to their provider's API. @default false */
  readonly keepsRounds?: boolean;
  /** Whether the store has `results`, and so can keep results of runs. @default false */
  readonly keepsResults?: boolean;
  /** Whether the store has `actions`, and so can keep actions at providers. @default false */
  readonly keepsActions?: boolean;
}

const CASES: readonly ContractCase[] = [
  ...appendCases,
  ...contentCases,
  ...claimMessagesCases,
  ...recordCases,
  ...recordEventsCases,
  ...recordBatchCases,
  ...jobCases,
  ...jobAliasCases,
  ...claimDeliveriesCases,
  ...laneCases,
  ...turnsCases,
  ...dueDeliveriesCases,
  ...nextDueAtCases,
  ...renewCases,
  ...settleCases,
  ...settleBatchCases,
  ...settleDecideCases,
  ...settleWaitingCases,
  ...deadLetterCases,
  ...redriveCases,
  ...dismissCases,
  ...replayCases,
  ...reparseCases,
  ...eraseCases,
  ...auditCases,
  ...taskCases,
  ...evaluateCases,
  ...purgeCases,
  ...purgeBrakeCases,
  ...pullBackCases,
  ...registerCases,
  ...goneProcessCases,
  ...listCases,
  ...lookUpCases,
  ...countsCases,
  ...closeCases,
];

/** Cases for a store with `release`. */
const CLAIMED_CASES: readonly ContractCase[] = [
  ...appendClaimedCases,
  ...recordClaimedCases,
  ...releaseCases,
  ...goneLeaseCases,
];

/** Cases for a store with `results`. */
const RESULTS_CASES: readonly ContractCase[] = [
  ...saveResultsCases,
  ...recordNodesCases,
  ...nodesCases,
  ...resultsUpkeepCases,
];

/** Cases for a store with `actions`. */
const ACTIONS_CASES: readonly ContractCase[] = [
  ...beginActionCases,
  ...advanceActionCases,
  ...answerActionCases,
  ...retriedRunCases,
  ...markedRunCases,
  ...actionsListCases,
  ...decideActionCases,
  ...actionsUpkeepCases,
];

/**
 * Returns the tests that every {@link Store} must pass, for any test runner:
 *
 * ```ts
 * for (const { title, run } of storeContract(createStore)) it(title, run);
 * ```
 *
 * @param createStore returns a new, open and empty store on each call
 */
export function storeContract(
  createStore: () => Promise<Store>,
  {
    reopen,
    settlesWith = false,
    releases = false,
    keepsRounds = false,
    keepsResults = false,
    keepsActions = false,
  }: StoreContractOptions = {},
): StoreContractTest[] {
  const optional = [
    ...(reopen ? reopenCases(reopen) : []),
    ...(settlesWith ? settleWithCases : []),
    ...(releases ? CLAIMED_CASES : []),
    ...(keepsRounds ? [...roundsCases, ...reportedRunsCases] : []),
    ...(keepsResults ? RESULTS_CASES : []),
    ...(keepsActions ? ACTIONS_CASES : []),
  ];
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
