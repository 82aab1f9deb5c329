import type { Incident } from 'nestjs-runhooks/core';
import { factOf, factOfReceipt, type CheckedRun } from './checked-run.js';
import type { Evidence } from './evidence.js';
import { nodesOf } from './expected.js';
import type { JournalEntry } from './journal.js';
import type { Fact } from './ledger.js';
import { FORGOTTEN_MS, NOTHING, PlainScope, type ModelIncident, type Told } from './model.js';
import type { Outcome } from './world/world-run.js';

/** Returns the nodes that came to something else than the model says, in the order in which the inbox recorded them. */
export function checkIncidents(
  evidence: Evidence,
  runs: ReadonlyMap<string, CheckedRun>,
): { readonly wrong: number; readonly problems: readonly string[] } {
  const replay = new Replay(evidence, runs);
  for (const entry of evidence.journal) replay.take(entry);
  replay.end();
  return { wrong: replay.problems.length, problems: replay.problems };
}

/** A run whose results were saved. */
interface Saved {
  readonly run: CheckedRun;
  /** Whether the inbox has saved them, or may have. */
  isCertain: boolean;
  /** Nodes that the run has to record and has not: those that failed in it, or before its results were saved. */
  readonly pending: Set<string>;
}

/** Nodes of one place in the world. */
interface Scope {
  readonly name: string;
  readonly model: PlainScope;
  readonly saved: Map<string, Saved>;
  /** Last record of each node. */
  readonly observedAt: Map<string, Date>;
  /** Nodes that no run observed for so long that an incident has ended, and that have only been skipped since. */
  readonly forgotten: Set<string>;
  /** Scope in the inbox. */
  text?: string;
}

const GOOD: readonly Outcome[] = ['succeeded', 'warned'];

class Replay {
  readonly problems: string[] = [];
  readonly #evidence: Evidence;
  readonly #runs: ReadonlyMap<string, CheckedRun>;
  readonly #scopes = new Map<string, Scope>();
  readonly #facts: ReadonlyMap<string, Fact>;
  readonly #recoveries = new Set<string>();

  constructor(evidence: Evidence, runs: ReadonlyMap<string, CheckedRun>) {
    this.#evidence = evidence;
    this.#runs = runs;
    this.#facts = new Map(
      evidence.receipts
        .filter(({ handlerId }) => handlerId === 'failures' || handlerId === 'recoveries')
        .map((receipt) => [factOfReceipt(receipt), receipt.fact]),
    );
  }

  take(entry: JournalEntry): void {
    const run = this.#runs.get(`${entry.source}/${entry.runId}`);
    if (!run || run.expected.state === 'missing') return;
    const scope = this.#scopeOf(run);
    if (entry.scope !== undefined) this.#matchScope(scope, run, entry.scope);
    if (entry.kind === 'step') this.#step(run, scope, entry);
    else if (scope) save(scope, run, entry.moment);
  }

  /** Compares the open incidents in the end. */
  end(): void {
    const { now } = this.#evidence;
    const open = new Set(this.#evidence.openNodes.map(({ source, scope, nodeId }) => `${source} ${scope} ${nodeId}`));
    const texts = [...this.#scopes.values()].flatMap(({ name, text }) =>
      text === undefined ? [] : [sourceOf(name) + text],
    );
    this.#require(new Set(texts).size === texts.length, 'two places have one scope');
    for (const scope of this.#scopes.values()) {
      for (const id of scope.model.open(now)) {
        const key = `${sourceOf(scope.name)} ${scope.text} ${id}`;
        this.#require(open.delete(key), `node ${id} in ${scope.name} has no open incident`);
      }
    }
    for (const key of open) this.#require(false, `node ${key} has an open incident, and must not`);
    this.#latest();
    this.#isolated();
    for (const fact of this.#facts.keys()) {
      const isRecovery = fact.startsWith('node.recovered ');
      if (isRecovery) this.#require(this.#recoveries.has(fact), `handlers were told ${fact}, which did not happen`);
    }
  }

  /** Whatever the order was: a node is open if and only if its latest run failed. */
  #latest(): void {
    const latest = new Map<string, { readonly run: CheckedRun; readonly outcome: Outcome }>();
    for (const run of this.#runs.values()) {
      const scope = this.#scopeOf(run);
      if (!scope) continue;
      for (const { id, outcome } of nodesOf(run.expected, 'failed', ...GOOD)) {
        const key = `${scope.name}\n${id}`;
        const known = latest.get(key);
        if (!known || known.run.endedAt < run.endedAt) latest.set(key, { run, outcome });
      }
    }
    for (const [key, { run, outcome }] of latest) {
      const [name = '', id = ''] = key.split('\n');
      const scope = this.#scopes.get(name) as Scope;
      const isOpen = this.#evidence.openNodes.some(
        (node) => node.nodeId === id && node.scope === scope.text && node.source === run.source,
      );
      const agoMs = this.#evidence.now.getTime() - (scope.observedAt.get(id) ?? run.endedAt).getTime();
      const isForgotten = scope.forgotten.has(id) || agoMs >= FORGOTTEN_MS || (run.isUnread && run.isLate);
      const mustBeOpen = outcome === 'failed';
      this.#require(
        isForgotten || isOpen === mustBeOpen,
        `node ${id} in ${name} ${outcome} in its latest run ${run.key}, and its incident is ${isOpen ? 'open' : 'not open'}`,
      );
    }
  }

  /** Failures of isolated runs open no incidents. */
  #isolated(): void {
    for (const run of this.#runs.values()) {
      if (!run.isIsolated) continue;
      for (const { id } of nodesOf(run.expected, 'failed')) this.#compare(run, id, NOTHING);
    }
  }

  #step(run: CheckedRun, scope: Scope | undefined, entry: JournalEntry & { readonly kind: 'step' }): void {
    const nodes = run.expected.state === 'available' ? run.expected.nodes : new Map<string, never>();
    for (const id of entry.nodeIds) {
      const outcome: Outcome | undefined = nodes.get(id)?.outcome;
      if (outcome === undefined) this.#require(false, `run ${run.key} has recorded node ${id}, which it did not run`);
      else if (scope) this.#observe(run, scope, id, outcome, entry.at);
    }
    const pending = scope?.saved.get(run.key)?.pending ?? new Set();
    if (entry.isLast) this.#require(pending.size === 0, `run ${run.key} has not recorded ${[...pending].join(', ')}`);
  }

  #observe(run: CheckedRun, scope: Scope, id: string, outcome: Outcome, at: Date): void {
    scope.saved.get(run.key)?.pending.delete(id);
    const beforeMs = at.getTime() - (scope.observedAt.get(id) ?? at).getTime();
    if (outcome === 'failed' || GOOD.includes(outcome)) scope.forgotten.delete(id);
    else if (beforeMs >= FORGOTTEN_MS) scope.forgotten.add(id);
    scope.observedAt.set(id, at);
    const told = this.#facts.get(factOf('node.failed', run.key, id));
    // While another run is being saved, either order is right.
    const isCertain = !(told?.type === 'node.failed' && told.late);
    const success = outcome === 'failed' ? latestSuccess(scope, id, isCertain) : undefined;
    const expected = scope.model.observe(id, outcome, run, success, at);
    if (outcome === 'failed') this.#compare(run, id, expected);
    else if (expected.recovered) this.#compareRecovery(run, id, expected.recovered);
  }

  #compare(run: CheckedRun, id: string, expected: Told): void {
    const told = this.#facts.get(factOf('node.failed', run.key, id));
    // That it is missing is told elsewhere.
    if (told?.type !== 'node.failed') return;
    const { firstFailure, late, isolated, incident } = told;
    const is = { firstFailure, late, isolated, incident: plain(incident) };
    const should = {
      firstFailure: expected.firstFailure,
      late: expected.late,
      isolated: run.isIsolated,
      incident: expected.incident,
    };
    this.#same(`node.failed ${run.key} ${id}`, is, should);
  }

  #compareRecovery(run: CheckedRun, id: string, incident: ModelIncident): void {
    const fact = factOf('node.recovered', run.key, id);
    this.#recoveries.add(fact);
    const told = this.#facts.get(fact);
    if (
      this.#require(told?.type === 'node.recovered', `no handler was told ${fact}`) &&
      told?.type === 'node.recovered'
    ) {
      this.#same(fact, plain(told.incident), incident);
    }
  }

  #scopeOf(run: CheckedRun): Scope | undefined {
    if (run.isIsolated) return undefined;
    const { project, environment, target } = run.job;
    const name = `${run.source} ${project} ${environment} ${target ?? ''}`.trim();
    const known = this.#scopes.get(name);
    if (known) return known;
    const scope: Scope = {
      name,
      model: new PlainScope(),
      saved: new Map(),
      observedAt: new Map(),
      forgotten: new Set(),
    };
    this.#scopes.set(name, scope);
    return scope;
  }

  #matchScope(scope: Scope | undefined, run: CheckedRun, found: string): void {
    if (!scope) this.#require(false, `run ${run.key} has the scope ${found}, and must be isolated`);
    else {
      scope.text ??= found;
      this.#require(scope.text === found, `run ${run.key} in ${scope.name} has the scope ${found}, not ${scope.text}`);
    }
  }

  #same(fact: string, is: unknown, should: unknown): void {
    const [found, expected] = [JSON.stringify(is), JSON.stringify(should)];
    this.#require(found === expected, `${fact}: found ${found}; expected ${expected}`);
  }

  #require(isTrue: boolean, problem: string): boolean {
    if (!isTrue) this.problems.push(problem);
    return isTrue;
  }
}

function sourceOf(scopeName: string): string {
  return scopeName.slice(0, scopeName.indexOf(' '));
}

function save(scope: Scope, run: CheckedRun, moment: 'before' | 'after'): void {
  const saved = scope.saved.get(run.key) ?? { run, isCertain: false, pending: new Set<string>() };
  scope.saved.set(run.key, saved);
  if (moment === 'before' || saved.isCertain) return;
  saved.isCertain = true;
  for (const { id, outcome } of nodesOf(run.expected, 'failed', 'succeeded', 'warned', 'skipped')) {
    if (outcome === 'failed' || scope.model.has(id)) saved.pending.add(id);
  }
}

/** Returns the end of the latest run in which a node is known to have succeeded. */
function latestSuccess(scope: Scope, id: string, isCertain: boolean): Date | undefined {
  let latest: Date | undefined;
  for (const { run, isCertain: isSaved } of scope.saved.values()) {
    if ((isCertain && !isSaved) || run.expected.state === 'missing') continue;
    const outcome = run.expected.nodes.get(id)?.outcome;
    if (outcome && GOOD.includes(outcome) && (!latest || run.endedAt > latest)) latest = run.endedAt;
  }
  return latest;
}

function plain(incident: Incident | undefined): ModelIncident | undefined {
  if (!incident) return undefined;
  const { openedAt, latestFailureAt, runs } = incident;
  return { openedAt, latestFailureAt, runs: runs.map(({ runId }) => runId) };
}
