import { LeaseLostError } from '../errors.js';
import { runEventId } from '../events/event-data.js';
import type { Router } from '../handlers/router.js';
import { LIMITS } from '../limits.js';
import { observedSince } from '../nodes/advance-node.js';
import { nodeNameOf } from '../nodes/node-name.js';
import type { NodeResult } from '../nodes/node-result.js';
import type { RunResults } from '../nodes/run-results.js';
import type { RunKey } from '../runs/run-state.js';
import type { StoredMessage } from '../sources/message.js';
import type { NewEvent, OnEvents } from '../store/recording.js';
import type {
  KnownNodes,
  NodesDecision,
  NodesStep,
  ResultStore,
  SavedResults,
  ScopeKey,
} from '../store/result-store.js';
import type { StoreGuard } from '../store/store-guard.js';
import type { Store } from '../store/store.js';
import type { Clock } from '../time/clock.js';
import type { ResultsDelivery } from './completed-run.js';
import { NodeEvents } from './node-events.js';
import { resultsHandlerId } from './results-handlers.js';
import { shownResults } from '../store/shown-results.js';

/** Options for recording nodes. */
export interface ResultsStepsOptions {
  readonly store: Store;
  readonly results: ResultStore;
  readonly router: Router;
  readonly clock: Clock;
  readonly guard: StoreGuard;
  /** Called when deliveries became due. */
  readonly onDue: () => void;
  /** Called with new events, and the message they follow from. */
  readonly onEvents?: OnEvents | undefined;
}

/** Nodes and events of one step. */
interface StepFacts extends Pick<NodesStep, 'from' | 'to' | 'isLast'> {
  /** Scope whose states the step changes. */
  readonly scope?: string | undefined;
  readonly nodes: readonly NodeResult[];
  decide(events: NodeEvents, known: KnownNodes): NodesDecision;
}

/**
 * Records saved results in steps of 200 nodes: the nodes that failed or warned, then those that passed or were skipped and have
 * a state, then the event of the results. Each step stores its position, so that another attempt goes on behind it.
 */
export class ResultsSteps {
  readonly #options: ResultsStepsOptions;

  constructor(options: ResultsStepsOptions) {
    this.#options = options;
  }

  async record(saved: SavedResults, delivery: ResultsDelivery): Promise<void> {
    const run = new RunSteps(this.#options, saved, delivery);
    await run.recordFailing();
    await run.recordTracked();
    await run.wantUnread();
    await run.recordResults();
  }
}

/** Steps of one run. */
class RunSteps {
  readonly #options: ResultsStepsOptions;
  readonly #saved: SavedResults;
  readonly #delivery: ResultsDelivery;
  #position: number;
  /** Message that the events follow from. It is asked for once, if at all. */
  #message: Promise<StoredMessage | undefined> | undefined;

  constructor(options: ResultsStepsOptions, saved: SavedResults, delivery: ResultsDelivery) {
    this.#options = options;
    this.#saved = saved;
    this.#delivery = delivery;
    this.#position = saved.recorded;
  }

  get #scope(): ScopeKey | undefined {
    const { scope } = this.#saved;
    return scope === undefined ? undefined : { source: this.#delivery.key.source, scope };
  }

  async recordFailing(): Promise<void> {
    const { failing } = this.#saved;
    while (this.#position < failing) {
      const nodes = await this.#failing(this.#position);
      // An erasure removes nodes that are not recorded yet.
      const to = nodes.length === 0 ? failing : this.#position + nodes.length;
      await this.#recordNodes(nodes, to);
    }
  }

  /**
   * Records the nodes that can end an incident. A node without a state needs none of it: its failures that are recorded later
   * find it among the good nodes of this run. If the recording starts over, nodes that were recorded before are unchanged.
   */
  async recordTracked(): Promise<void> {
    const scope = this.#scope;
    const { good, skipped } = this.#saved;
    if (!scope || good.length + skipped.length === 0) return;
    const tracked = new Set(await this.#options.results.trackedNodes(scope));
    const of = (ids: readonly string[], outcome: 'succeeded' | 'skipped'): NodeResult[] =>
      ids.filter((id) => tracked.has(id)).map((id) => ({ ...nodeNameOf(id), outcome, status: outcome }));
    const nodes = [...of(good, 'succeeded'), ...of(skipped, 'skipped')];
    for (let at = 0; at < nodes.length; at += LIMITS.nodesPerStep) {
      await this.#recordNodes(nodes.slice(at, at + LIMITS.nodesPerStep), this.#position + 1);
    }
  }

  /** Asks for later successes that were not read, because one of them may end an incident of this run. */
  async wantUnread(): Promise<void> {
    const scope = this.#scope;
    const { results, clock } = this.#options;
    const { counts, finishedAt } = this.#saved;
    if (!scope || !counts || counts.counts.failed === 0) return;
    if (!(await results.hasIncident(scope, observedSince(clock.now())))) return;
    let after: string | undefined;
    do {
      const page = { limit: LIMITS.nodesPerStep, ...(after !== undefined && { after }) };
      const { items, next } = await results.unreadAfter(scope, finishedAt, page);
      if (items.length > 0) await this.#deliver(items);
      after = next;
    } while (after !== undefined);
  }

  /** Records the event of the results, which is the last one of the run. */
  async recordResults(): Promise<void> {
    const first = this.#saved.reason === undefined && this.#saved.failing > 0 ? await this.#failing(0) : [];
    const results: RunResults = shownResults(this.#saved, first);
    const decide: StepFacts['decide'] = (events, known) => events.ofResults(results, known);
    await this.#record({ from: this.#position, to: this.#position + 1, isLast: true, nodes: [], decide });
  }

  async #failing(from: number): Promise<NodeResult[]> {
    return await this.#options.results.failing(this.#delivery.key, from, LIMITS.nodesPerStep);
  }

  async #recordNodes(nodes: readonly NodeResult[], to: number): Promise<void> {
    const from = this.#position;
    const decide: StepFacts['decide'] = (events, known) => events.ofNodes(nodes, known, String(from));
    await this.#record({ from, to, scope: this.#saved.scope, nodes, decide });
  }

  async #record({ from, to, isLast, scope, nodes, decide }: StepFacts): Promise<void> {
    const { results, router, clock, onDue } = this.#options;
    const { key, context, claim } = this.#delivery;
    context.signal.throwIfAborted();
    const now = clock.now();
    const isIsolated = this.#saved.scope === undefined;
    const events = new NodeEvents({ ...this.#delivery, isIsolated, now }, router);
    const step: NodesStep = {
      run: key,
      from,
      to,
      nodeIds: nodes.map(({ uniqueId }) => uniqueId),
      handlers: router.versions(),
      decide: (known) => decide(events, known),
      ...(isLast && { isLast }),
      ...(scope !== undefined && { scope }),
    };
    const added = await results.recordNodes(claim, step, now);
    if (!added) throw new LeaseLostError(claim.id);
    this.#position = to;
    if (added.length === 0) return;
    await this.#announce(added);
    onDue();
  }

  async #deliver(runs: readonly RunKey[]): Promise<void> {
    const { results, router, clock, onDue } = this.#options;
    const { key, provider, context, claim } = this.#delivery;
    context.signal.throwIfAborted();
    const now = clock.now();
    const handlerId = resultsHandlerId(key.source);
    const events = runs.map((run) => ({
      eventId: runEventId('run.completed', run),
      deliveries: router.deliveriesTo(handlerId, { type: 'run.completed', source: key.source, provider }, now),
    }));
    const added = await results.addDeliveries(claim, `results:${key.runId}`, events, now);
    if (added === undefined) throw new LeaseLostError(claim.id);
    if (added > 0) onDue();
  }

  async #announce(events: readonly NewEvent[]): Promise<void> {
    const { onEvents } = this.#options;
    if (!onEvents) return;
    const { key, provider } = this.#delivery;
    onEvents(events, { source: key.source, provider }, await (this.#message ??= this.#findMessage()));
  }

  async #findMessage(): Promise<StoredMessage | undefined> {
    const { store, guard } = this.#options;
    const { messageId } = this.#delivery.context;
    return messageId === undefined ? undefined : await guard.read(() => store.message(messageId), undefined);
  }
}
