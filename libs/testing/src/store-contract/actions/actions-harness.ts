import { equal, ok } from 'node:assert/strict';
import type {
  ActionAnswer,
  ActionClaim,
  ActionStore,
  BegunAction,
  ClaimedDelivery,
  HeldAction,
  NewAction,
  RunDecision,
  RunKey,
  RunState,
} from 'nestjs-runhooks/core';
import { at, HANDLER, LEASE_MS, MUCH_LATER, onlyOne, SOURCE, type StoreHarness } from '../store-harness.js';

/** Returns the verbs of a store with actions. */
export function actionsOf({ store }: StoreHarness): ActionStore {
  ok(store.actions, 'expected a store with actions');
  return store.actions;
}

export function runOf(runId: string): RunKey {
  return { source: SOURCE, accountId: '1', runId };
}

type ActionFields = Partial<Omit<NewAction, 'accountId'>> & { readonly accountId?: string | undefined };

/** Returns a retry of run 7 in account 1, except for the given fields. Its mark is made from its key. */
export function newAction(key: string, fields: ActionFields = {}): NewAction {
  const { accountId, ...given } = { accountId: '1', ...fields };
  const retry = { source: SOURCE, kind: 'retry', target: '7', request: '{"steps":1}' } as const;
  return { ...retry, mark: `runhooks:${key}`, ...given, key, ...(accountId !== undefined && { accountId }) };
}

/** Returns a claim at `ms`. Its token is made from the time. */
export function claimAt(ms: number, fields: Partial<ActionClaim> = {}): ActionClaim {
  return { now: at(ms), leaseMs: LEASE_MS, lease: `lease at ${ms}`, latestDueAt: at(ms + MUCH_LATER), ...fields };
}

/** Begins an action that must be claimed, and returns the claim. */
export async function begun(
  harness: StoreHarness,
  action: NewAction,
  claim: ActionClaim = claimAt(0),
): Promise<HeldAction> {
  const result = await actionsOf(harness).begin(action, claim);
  equal(result.begun, 'claimed');
  return { source: action.source, key: action.key, lease: claim.lease };
}

/** Begins an action, writes that it is sent, and ends it as answered by a run. */
export async function answered(harness: StoreHarness, action: NewAction, answer: ActionAnswer, ms = 0): Promise<void> {
  const held = await begun(harness, action, claimAt(ms));
  equal(await actionsOf(harness).advance(held, { state: 'sent', leaseMs: LEASE_MS }, at(ms)), true);
  ok(await actionsOf(harness).answer(held, [answer], at(ms)), 'expected an answer');
}

/** Begins an action, and ends it as refused or unknown. */
export async function ended(
  harness: StoreHarness,
  action: NewAction,
  state: 'refused' | 'unknown',
  ms = 0,
): Promise<void> {
  const held = await begun(harness, action, claimAt(ms));
  const refusal = { reason: 'no-results', message: 'run 7 has no results' } as const;
  const change = state === 'refused' ? { state, refusal } : { state };
  equal(await actionsOf(harness).advance(held, change, at(ms)), true);
}

/** Records a message about a run with a decision, by default with its state only, and returns the id of the message. */
export async function recordRun(
  harness: StoreHarness,
  runId: string,
  decision: Partial<Omit<RunDecision, 'run'>> & { readonly run?: Partial<RunState> } = {},
): Promise<string> {
  await harness.append();
  const taken = await harness.takeMessages();
  const decide = ({ run: known }: { run?: RunState }): RunDecision => {
    const unknown = { jobKey: 'job', contradicted: false, types: [] };
    return { events: [], ...decision, run: { ...unknown, ...known, ...decision.run } };
  };
  await harness.record(taken, { run: runOf(runId), job: { source: SOURCE, jobKey: 'job' }, decide });
  return onlyOne(taken).id;
}

/** Records an event about a run, and claims its delivery. */
export async function deliveryFor(harness: StoreHarness, runId: string): Promise<ClaimedDelivery> {
  await recordRun(harness, runId, { events: [harness.event({ id: `run.failed:${runId}`, type: 'run.failed' })] });
  return onlyOne(await harness.takeDeliveries({ handlerIds: [HANDLER], leaseMs: MUCH_LATER }));
}

/** Returns what {@link BegunAction} says besides the action. */
export function withoutAction(result: BegunAction): object {
  return Object.fromEntries(Object.entries(result).filter(([name]) => name !== 'action'));
}
