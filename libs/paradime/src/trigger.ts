import type { RunTrigger } from 'nestjs-runhooks/core';

const KIND_OF_ACTOR: ReadonlyMap<string, RunTrigger['kind']> = new Map([
  ['scheduler', 'schedule'],
  ['schedule', 'schedule'],
  ['manual', 'manual'],
  ['api', 'api'],
  ['turbo ci', 'ci'],
  ['turbo_ci', 'ci'],
]);

/** `Scheduler` and `Manual` are in Paradime's samples; the list of actors is not published. */
export function triggerOf(actor: string | undefined): RunTrigger {
  if (actor === undefined) return { kind: 'unknown' };
  return { kind: KIND_OF_ACTOR.get(actor.trim().toLowerCase()) ?? 'unknown', reason: actor };
}
