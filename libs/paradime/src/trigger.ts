import type { RunTrigger } from 'nestjs-runhooks/core';

const KIND_OF_ACTOR: ReadonlyMap<string, RunTrigger['kind']> = new Map([
  ['scheduler', 'schedule'],
  ['schedule', 'schedule'],
  ['manual', 'manual'],
  ['api', 'api'],
  ['turbo ci', 'ci'],
  ['turbo_ci', 'ci'],
]);

/** Returns the trigger of an actor. Paradime's samples have `Scheduler` and `Manual`; it does not publish a list. */
export function triggerOf(actor: string | undefined): RunTrigger {
  if (actor === undefined) return { kind: 'unknown' };
  return { kind: KIND_OF_ACTOR.get(actor.trim().toLowerCase()) ?? 'unknown', reason: actor };
}
