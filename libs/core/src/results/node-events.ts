import { createHash } from 'node:crypto';
import { eventData, runEventId, type EventFacts } from '../events/event-data.js';
import {
  NODE_FAILED_EVENT_TYPE,
  NODE_RECOVERED_EVENT_TYPE,
  RUN_RESULTS_EVENT_TYPE,
  type ResultsEventType,
} from '../events/event.js';
import { OWN_HANDLER_PREFIX } from '../handlers/handler.js';
import { routableOf, type Router } from '../handlers/router.js';
import { LIMITS } from '../limits.js';
import { advanceNode } from '../nodes/advance-node.js';
import type { NodeName, NodeResult } from '../nodes/node-result.js';
import type { NodeState } from '../nodes/node-state.js';
import type { RunResults } from '../nodes/run-results.js';
import type { RunKey } from '../runs/run-state.js';
import type { NewEvent, NewTask } from '../store/recording.js';
import type { KnownNodes, NodesDecision } from '../store/result-store.js';
import { handOff } from '../tasks/hand-off.js';
import type { CompletedRun } from './completed-run.js';

/** A run whose nodes one step records. */
export interface RecordedRun extends CompletedRun {
  readonly isIsolated: boolean;
  /** Current time. */
  readonly now: Date;
}

/** Decides which events follow from the results of one run. */
export class NodeEvents {
  readonly #recorded: RecordedRun;
  readonly #router: Router;
  /** Each event contains the run. */
  readonly #runText: string;

  constructor(recorded: RecordedRun, router: Router) {
    this.#recorded = recorded;
    this.#router = router;
    this.#runText = JSON.stringify(recorded.run);
  }

  /**
   * Returns what follows from some nodes of the run. Nodes of an isolated run have no states.
   *
   * @param step name of the step, which no other step of the run has
   */
  ofNodes(nodes: readonly NodeResult[], known: KnownNodes, step: string): NodesDecision {
    const states = new Map<string, NodeState>();
    const facts: Typed[] = [];
    for (const node of nodes) {
      const update = this.#recorded.isIsolated ? undefined : this.#advance(node, known);
      if (update && update.state !== known.nodes.get(node.uniqueId)) states.set(node.uniqueId, update.state);
      if (node.outcome === 'failed') {
        const { firstFailure = false, late = false, incident } = update ?? {};
        const failed = { node, firstFailure, late, ...(incident && { incident }) };
        facts.push({ type: NODE_FAILED_EVENT_TYPE, ...failed, isolated: this.#recorded.isIsolated });
      } else if (update?.recovered) {
        facts.push({ type: NODE_RECOVERED_EVENT_TYPE, node: nameOf(node), incident: update.recovered });
      }
    }
    return this.#decision(states, facts, step, known);
  }

  /** Returns the event of the run's results. */
  ofResults(results: RunResults, known: KnownNodes): NodesDecision {
    const facts: Typed = { type: RUN_RESULTS_EVENT_TYPE, results, isolated: this.#recorded.isIsolated };
    return this.#decision(new Map(), [facts], 'results', known);
  }

  /** A node that has not failed before has no state, and needs none before it fails. */
  #advance(node: NodeResult, { nodes, laterSuccesses }: KnownNodes) {
    const { key, finishedAt } = this.#recorded;
    const { uniqueId, outcome, status } = node;
    const state = nodes.get(uniqueId);
    if (!state && outcome !== 'failed') return undefined;
    const hasStatus = outcome !== 'succeeded' && outcome !== 'skipped';
    const observation = {
      accountId: key.accountId,
      runId: key.runId,
      finishedAt,
      outcome,
      ...(hasStatus && { status }),
    };
    return advanceNode(state, observation, { now: this.#recorded.now, laterSuccessAt: laterSuccesses.get(uniqueId) });
  }

  #decision(
    nodes: ReadonlyMap<string, NodeState>,
    facts: readonly Typed[],
    step: string,
    { otherHandlers = [] }: KnownNodes,
  ): NodesDecision {
    const { key, run, finishedAt: occurredAt, receivedAt } = this.#recorded;
    const events = facts.map((one) => this.#event(one));
    const handedOff = facts.map(({ type, node, late = false, isolated }, index) => ({
      id: events[index]?.id ?? '',
      type,
      late,
      ...(node && { node: nameOf(node) }),
      ...(isolated !== undefined && { isolated }),
    }));
    // Handlers of the core ask for runs only.
    const versions = otherHandlers.filter((version) => !version.startsWith(OWN_HANDLER_PREFIX));
    const originId = `${runEventId(RUN_RESULTS_EVENT_TYPE, key)}/${step}`;
    const tasks: NewTask[] = handOff(
      originId,
      { occurredAt, receivedAt, run, events: handedOff },
      versions,
      this.#recorded.now,
    );
    return { nodes, events, tasks };
  }

  #event({ type, ...own }: Typed): NewEvent {
    const { key, provider, run, finishedAt: occurredAt, receivedAt } = this.#recorded;
    const facts: EventFacts = { occurredAt, receivedAt, run, ...own };
    const routable = routableOf({ type, source: key.source, provider }, facts);
    return {
      id: eventIdOf(type, key, own.node),
      type,
      occurredAt,
      data: eventData(facts, this.#runText),
      deliveries: this.#router.deliveriesFor(routable, this.#recorded.now),
    };
  }
}

type Typed = { readonly type: ResultsEventType } & Pick<
  EventFacts,
  'node' | 'firstFailure' | 'late' | 'incident' | 'isolated' | 'results'
>;

/** Returns the id of an event. Of a long id of a node it has the digest, because databases limit the length of keys. */
function eventIdOf(type: ResultsEventType, run: RunKey, node: NodeName | undefined): string {
  const id = runEventId(type, run);
  if (!node) return id;
  // Lone surrogates have no percent-encoding.
  const name = encodeURIComponent(node.uniqueId.replace(/\p{Cs}/gu, '\ufffd'));
  const isLong = name.length > LIMITS.eventIdNodeCharsMax;
  return `${id}/${isLong ? createHash('sha256').update(node.uniqueId).digest('hex') : name}`;
}

function nameOf({ uniqueId, kind, name, package: owner }: NodeName): NodeName {
  return { uniqueId, kind, name, ...(owner !== undefined && { package: owner }) };
}
