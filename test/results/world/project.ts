import type { Random } from '../../crash/random.js';
import type { Outcome, PlannedNode } from './world-run.js';

/** Chances of a node, each time that it runs. */
const BREAKS = 0.03;
const BREAKS_IN_CALM = 0.002;
const RECOVERS = 0.3;
const WARNS = 0.03;
const IS_ODD = 0.004;
/** Tests of the wide job, of which nearly all fail together. */
const WIDE = 720;
const WIDE_BREAKS = 0.25;

/** What fails about a node until somebody mends it. */
type Health = 'good' | 'broken';

/** Nodes of one project, as one environment has them. Each is good or broken, and changes at random. */
export class Project {
  readonly #random: Random;
  readonly #breaks: number;
  readonly #health = new Map<string, Health>();
  #ids: readonly string[] = [
    ...idsOf(24, (index) => `model.shop.m${index}`),
    ...idsOf(16, (index) => `test.shop.not_null_m${index}_id.${hashOf(index)}`),
    ...idsOf(3, (index) => `seed.shop.s${index}`),
    ...idsOf(3, (index) => `snapshot.shop.h${index}`),
    ...idsOf(4, (index) => `unit_test.shop.m${index}.rounds_up`),
    ...idsOf(2, (index) => `operation.shop.shop-on-run-end-${index}`),
    ...idsOf(2, (index) => `exposure.shop.board_${index}`),
  ];
  readonly #sources = idsOf(5, (index) => `source.shop.raw.t${index}`);
  readonly #wide = idsOf(WIDE, (index) => `test.shop.accepted_values_m${index}.${hashOf(index)}`);
  #isWideBroken = false;
  #renamed = 0;

  /** @param isCalm whether its nodes hardly ever break, so that most of the time no incident is open */
  constructor(random: Random, isCalm: boolean) {
    this.#random = random;
    this.#breaks = isCalm ? BREAKS_IN_CALM : BREAKS;
  }

  /** Runs all nodes but those of sources. Nodes after a model that failed are skipped at random. */
  build(where: string): PlannedNode[] {
    return this.#execute(this.#ids, where);
  }

  /** Runs the nodes of some kinds, for example `['model', 'seed']`. */
  kinds(kinds: readonly string[], where: string): PlannedNode[] {
    return this.#execute(
      this.#ids.filter((id) => kinds.includes(id.slice(0, id.indexOf('.')))),
      where,
    );
  }

  /** Runs a part of the nodes. */
  subset(where: string): PlannedNode[] {
    return this.#execute(
      this.#ids.filter(() => this.#random.chance(0.25)),
      where,
    );
  }

  /** Runs these nodes again. */
  again(ids: readonly string[], where: string): PlannedNode[] {
    return this.#execute(ids, where);
  }

  /** Looks at the freshness of sources. */
  freshness(where: string): PlannedNode[] {
    return this.#sources.map((id) => {
      const outcome = this.#outcomeOf(id);
      if (outcome === 'succeeded') return { id, outcome, status: 'Pass' };
      if (outcome === 'failed' && this.#random.chance(0.5)) return this.#failed(id, where, 'runtime error');
      // The file has no text about a source that is too old. The reader makes one from the age in the row.
      return { id, outcome, status: outcome === 'warned' ? 'warn' : 'error', shown: 'Loaded 60 seconds ago' };
    });
  }

  /** Runs hundreds of tests, of which most fail or none. */
  wide(where: string): PlannedNode[] {
    if (this.#random.chance(this.#isWideBroken ? 0.5 : WIDE_BREAKS)) this.#isWideBroken = !this.#isWideBroken;
    return this.#wide.map((id, index) => {
      const hasFailed = this.#isWideBroken && index % 40 !== 0;
      return hasFailed ? this.#failed(id, where, 'fail') : { id, outcome: 'succeeded', status: 'pass' };
    });
  }

  /** Gives a model another name, and removes a test. Both stay as they were, in the incidents of the app. */
  refactor(): void {
    const model = this.#random.pick(this.#ids.filter((id) => id.startsWith('model.')));
    const test = this.#random.pick(this.#ids.filter((id) => id.startsWith('test.')));
    this.#renamed += 1;
    this.#ids = this.#ids.filter((id) => id !== test).map((id) => (id === model ? `${id}_v${this.#renamed}` : id));
  }

  #execute(ids: readonly string[], where: string): PlannedNode[] {
    let skips = 0;
    return ids.map((id) => {
      if (skips > 0) {
        skips -= 1;
        return { id, outcome: 'skipped', status: 'skipped' };
      }
      const node = this.#executed(id, where);
      if (node.outcome === 'failed' && id.startsWith('model.')) skips = Math.floor(this.#random.between(0, 3));
      return node;
    });
  }

  #executed(id: string, where: string): PlannedNode {
    const isTest = id.startsWith('test.') || id.startsWith('unit_test.');
    if (this.#random.chance(IS_ODD)) return { id, outcome: 'unknown', status: 'quarantined' };
    const outcome = id.startsWith('exposure.') ? 'succeeded' : this.#outcomeOf(id);
    if (outcome === 'failed') return this.#failed(id, where, this.#wordOfFailure(id));
    if (outcome === 'warned' && isTest)
      return { id, outcome, ...this.#text(`Got 1 result at ${where}`), status: 'warn' };
    const status = id.startsWith('exposure.') ? 'no-op' : isTest ? 'pass' : (this.#random.pick(GOOD) ?? 'success');
    return { id, outcome: 'succeeded', status };
  }

  #wordOfFailure(id: string): string {
    if (id.startsWith('test.') || id.startsWith('unit_test.')) return this.#random.chance(0.8) ? 'fail' : 'error';
    return this.#random.chance(0.9) || !id.startsWith('model.') ? 'error' : 'partial success';
  }

  #outcomeOf(id: string): Outcome {
    const health = this.#health.get(id) ?? 'good';
    const changes = this.#random.chance(health === 'good' ? this.#breaks : RECOVERS);
    const next = changes === (health === 'good') ? 'broken' : 'good';
    this.#health.set(id, next);
    if (next === 'broken') return 'failed';
    return this.#random.chance(WARNS) ? 'warned' : 'succeeded';
  }

  #failed(id: string, where: string, status: string): PlannedNode {
    return { id, outcome: 'failed', status, ...this.#text(`${id} failed at ${where}`) };
  }

  /** Returns a text as dbt may write it, and what is left of it for handlers. */
  #text(text: string): Pick<PlannedNode, 'message' | 'shown'> {
    const card = Math.floor(this.#random.between(1e9, 1e10));
    const long = this.#random.chance(0.02) ? 'x'.repeat(3_000) : '';
    return {
      message: `\u001b[31m${text}\u001b[0m, card ${card}${long}`,
      shown: `${text}, card ***${long}`.slice(0, 2_000),
    };
  }
}

const GOOD = ['success', 'success', 'success', 'reused'];

function idsOf(count: number, idOf: (index: number) => string): string[] {
  return Array.from({ length: count }, (_, index) => idOf(index));
}

function hashOf(index: number): string {
  return (index * 2_654_435_761).toString(16).padStart(10, '0').slice(0, 10);
}
