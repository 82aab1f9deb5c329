import type { WebhookEvent } from '../events/event.js';
import { LeaseLostError } from '../errors.js';
import type { DeliveryContext, HandlerClaim } from '../handlers/handler.js';
import type { Router } from '../handlers/router.js';
import { LIMITS } from '../limits.js';
import type { Logger } from '../log/logger.js';
import { observedSince } from '../nodes/advance-node.js';
import type { MessageCleaner } from '../nodes/clean-message.js';
import type { NodeResult } from '../nodes/node-result.js';
import { scopeOf } from '../nodes/node-scope.js';
import { earlierOf } from '../runs/earlier-later.js';
import { withRetryOf } from '../runs/retried-run.js';
import type { RunKey } from '../runs/run-state.js';
import type { ResultsReading, ResultsReader } from '../sources/results-reader.js';
import type { OnEvents } from '../store/recording.js';
import type { NewResults, ResultStore, SavedResults } from '../store/result-store.js';
import type { StoreGuard } from '../store/store-guard.js';
import type { Store } from '../store/store.js';
import type { Clock } from '../time/clock.js';
import { timers } from '../time/timers.js';
import type { ResultsDelivery } from './completed-run.js';
import { countedResults, failingNodes } from './counted-results.js';
import { isIsolated, readResults } from './read-results.js';
import { ResultsLog } from './results-log.js';
import { ResultsSteps } from './results-steps.js';

/** Options for a results recorder. */
export interface ResultsRecorderOptions {
  readonly store: Store;
  readonly results: ResultStore;
  /** Readers by the names of their sources. */
  readonly readers: ReadonlyMap<string, ResultsReader>;
  readonly router: Router;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly guard: StoreGuard;
  readonly cleaner: MessageCleaner;
  /** Called when deliveries became due. */
  readonly onDue: () => void;
  /** Called with new events, and the message they follow from. */
  readonly onEvents?: OnEvents | undefined;
}

/**
 * Reads the results of a completed run, saves them and records its nodes. It can end between any two steps of the store. The next
 * attempt goes on behind the last one.
 */
export class ResultsRecorder {
  readonly #options: ResultsRecorderOptions;
  readonly #log: ResultsLog;
  readonly #steps: ResultsSteps;

  constructor(options: ResultsRecorderOptions) {
    this.#options = options;
    this.#log = new ResultsLog(options.logger);
    this.#steps = new ResultsSteps(options);
  }

  /** Handles a `run.completed` event, as the handler of {@link resultsHandlers} that belongs to its source. */
  async invoke(event: WebhookEvent, context: DeliveryContext, claim: HandlerClaim): Promise<void> {
    if (event.type !== 'run.completed') throw new Error(`expected run.completed, got ${event.type}`);
    const { source, provider, run, occurredAt, receivedAt } = event;
    const key: RunKey = { source, accountId: run.account.id, runId: run.id };
    const finishedAt = earlierOf(run.finishedAt ?? occurredAt, receivedAt);
    const delivery: ResultsDelivery = { key, provider, run, finishedAt, receivedAt, context, claim };
    const found = await this.#options.results.find(key);
    if (found?.state === 'recorded') return;
    const saved = found?.state === 'recording' ? found : await this.#obtain(delivery);
    if (saved.state !== 'recording') return;
    // An action may have been answered with this run after its event was recorded.
    const known = await this.#options.store.run(key);
    await this.#steps.record(saved, known ? { ...delivery, run: withRetryOf(run, known) } : delivery);
  }

  /** Reads and saves the results, unless nothing can depend on them. */
  async #obtain(delivery: ResultsDelivery): Promise<SavedResults> {
    const { store, router, clock } = this.#options;
    const { key, provider, run } = delivery;
    const job = run.environment ? undefined : await store.job({ source: key.source, jobKey: run.job.key });
    const environment = job?.environment;
    const save = (content: NewResults['content'], scope: string | undefined) => this.#save(delivery, content, scope);

    if (run.status === 'canceled') {
      const scope = isIsolated(run) ? undefined : scopeOf(run, { environment });
      return saved(await save({ state: 'missing', reason: 'canceled' }, scope));
    }
    const isAskedFor = router.isWanted({ type: 'run.results', source: key.source, provider, run });
    if (run.status === 'succeeded' && !isAskedFor) {
      // A success changes nothing but open incidents. The target of the run is not known before it is read.
      const since = observedSince(clock.now());
      const unread = { state: 'unread', observedSince: since, handlers: router.versions() } as const;
      const answer = await save(unread, scopeOf(run, { environment }));
      if (answer !== 'wanted') return answer;
    }
    const reading = await this.#read(delivery);
    const { isIsolated: isApart, target } = reading;
    const scope = isApart ? undefined : scopeOf(run, { environment, target });
    return saved(await save(await this.#contentOf(reading, key.source), scope));
  }

  async #read({ key, run, context, claim }: ResultsDelivery): Promise<ResultsReading> {
    const { readers, clock } = this.#options;
    const reader = readers.get(key.source);
    if (!reader) throw new Error(`source "${key.source}" has no reader of results`);
    return await readResults(reader, run, {
      signal: context.signal,
      now: () => clock.now(),
      log: this.#log.of(key.source),
      waitingSince: claim.waitingSince,
    });
  }

  async #contentOf(reading: ResultsReading, source: string): Promise<NewResults['content']> {
    if (reading.state === 'missing') return { state: 'missing', reason: reading.reason };
    const idsOf = (...outcomes: NodeResult['outcome'][]): string[] =>
      reading.nodes.filter(({ outcome }) => outcomes.includes(outcome)).map(({ uniqueId }) => uniqueId);
    return {
      state: 'available',
      counts: countedResults(reading),
      failing: await this.#cleaned(failingNodes(reading.nodes), source),
      good: idsOf('succeeded', 'warned'),
      skipped: idsOf('skipped'),
    };
  }

  /** Thousands of long messages, or a slow function of the app, would block the event loop. */
  async #cleaned(nodes: readonly NodeResult[], source: string): Promise<NodeResult[]> {
    const cleaned: NodeResult[] = [];
    let turnEndsAt = timers.monotonicMs() + LIMITS.parseTurnMs;
    for (const node of nodes) {
      if (timers.monotonicMs() >= turnEndsAt) {
        await timers.turn();
        turnEndsAt = timers.monotonicMs() + LIMITS.parseTurnMs;
      }
      cleaned.push(this.#options.cleaner.clean(node, source));
    }
    return cleaned;
  }

  async #save(
    { key: run, finishedAt, context, claim }: ResultsDelivery,
    content: NewResults['content'],
    scope: string | undefined,
  ): Promise<SavedResults | 'wanted'> {
    const { results, clock } = this.#options;
    context.signal.throwIfAborted();
    const answer = await results.save(
      claim,
      { run, finishedAt, content, ...(scope !== undefined && { scope }) },
      clock.now(),
    );
    if (answer === undefined) throw new LeaseLostError(claim.id);
    return answer;
  }
}

function saved(answer: SavedResults | 'wanted'): SavedResults {
  if (answer === 'wanted') throw new Error('the store refused results that were read');
  return answer;
}
