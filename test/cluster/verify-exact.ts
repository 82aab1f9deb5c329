import type { Evidence } from '../crash/evidence.js';
import { expectedFacts, factsOf, groupBy } from '../crash/facts.js';
import type { PlannedRun } from '../crash/run-plan.js';
import { WANTED_IN_CLUSTER } from './exact-handler.js';

export interface ExactVerdict {
  /** Number of effects by the handler that uses `completeWith`. */
  readonly effects: number;
  /** Number of events for which it must have one effect each. */
  readonly expected: number;
  readonly problems: readonly string[];
}

/** Verifies that each event the handler wants has one effect, made by the attempt recorded as its success. */
export function verifyExact(evidence: Evidence, runs: readonly PlannedRun[]): ExactVerdict {
  const problems: string[] = [];
  const factOf = factsOf(evidence);
  const deliveryOf = new Map(evidence.deliveries.map((delivery) => [delivery.id, delivery]));
  const succeeded = new Set(
    evidence.attempts.flatMap(({ deliveryId, attempt, outcome }) =>
      outcome === 'succeeded' ? [`${deliveryId} ${attempt}`] : [],
    ),
  );
  const effects = evidence.effects.filter(({ handlerId }) => handlerId === 'exact');
  for (const { deliveryId, attempt } of effects) {
    if (succeeded.has(`${deliveryId} ${attempt}`)) continue;
    problems.push(`attempt ${attempt} of delivery ${deliveryId} has an effect in the table but no success`);
  }
  const ofFact = groupBy(effects, ({ deliveryId }) => factOf.get(deliveryOf.get(deliveryId)?.eventId ?? '') ?? '');
  let expected = 0;
  for (const [fact, handlers] of expectedFacts(runs, WANTED_IN_CLUSTER)) {
    if (!handlers.includes('exact')) continue;
    expected += 1;
    const count = ofFact.get(fact)?.length ?? 0;
    ofFact.delete(fact);
    if (count !== 1) problems.push(`handler exact has ${count} effects for ${fact}; expected 1`);
  }
  for (const [fact, { length }] of ofFact) problems.push(`handler exact has ${length} effects for ${fact}; expected 0`);
  return { effects: effects.length, expected, problems };
}
