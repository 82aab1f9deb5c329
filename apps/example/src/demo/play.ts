import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { INestApplication } from '@nestjs/common';
import { Inbox } from 'nestjs-runhooks';
import { sendWebhook, waitUntilIdle } from 'nestjs-runhooks/testing';
import { consequencesOf, type Seen } from './consequences.js';
import type { LineLogger } from './line-logger.js';
import type { Step } from './scenario.js';
import type { StepResult } from './timeline.js';

/** Time within which all deliveries, including retries, must be finished. */
const IDLE_MS_MAX = 30_000;
export const NOT_IDLE = `there was still work to do after ${IDLE_MS_MAX} ms`;

/** Sends a step's webhook, waits for all work that follows, and compares the result. */
export async function play(app: INestApplication, step: Step, logger: LineLogger): Promise<StepResult> {
  const inbox = app.get(Inbox);
  const before = await contentOf(inbox);
  const answer = await sendWebhook(app, `/webhooks/${step.source}`, step.webhook);
  const isIdle = await idle(app, inbox);
  const { id, status } = answer.body;
  const seen = id !== undefined && status === 'accepted' ? await consequencesOf(inbox, id) : [];
  const states = seen.flatMap((one) => (one.kind === 'message' ? [one.state] : []));
  const problems = [
    ...differences('answer', [step.answer], [`${answer.status} ${status}`]),
    ...differences('message', step.state === undefined ? [] : [step.state], states),
    ...differences('attempt', step.attempts, attemptsIn(seen)),
    ...(isIdle ? [] : [NOT_IDLE]),
  ];
  if (status !== 'accepted' && !isDeepStrictEqual(before, await contentOf(inbox)))
    problems.push('the inbox has changed');
  return { step, answer, seen, log: logger.take(), problems };
}

/** Returns the inbox counts. Rejected requests are left out, because they are counted without changing the content. */
async function contentOf(inbox: Inbox): Promise<object> {
  const { refusals: _, ...content } = await inbox.counts();
  return content;
}

/** Returns every attempt as `<handler> <event type> <outcome>`. */
export function attemptsIn(seen: readonly Seen[]): string[] {
  return seen.flatMap((one) => (one.kind === 'handled' ? [`${one.handler} ${one.type} ${one.outcome}`] : []));
}

/** Waits until all deliveries are finished, including retries. */
export async function idle(app: INestApplication, inbox: Inbox): Promise<boolean> {
  const deadline = Date.now() + IDLE_MS_MAX;
  while (Date.now() < deadline) {
    await waitUntilIdle(app);
    const { messages, deliveries } = await inbox.counts();
    if (messages.stored === 0 && deliveries.pending === 0) return true;
    await sleep(20);
  }
  return false;
}

/** Returns which expected items are missing, and which found ones were not expected. */
export function differences(what: string, expected: readonly string[], found: readonly string[]): string[] {
  const surplus = [...found];
  const missing = expected.filter((one) => {
    const index = surplus.indexOf(one);
    if (index >= 0) surplus.splice(index, 1);
    return index < 0;
  });
  return [
    ...missing.map((one) => `${what} "${one}" is missing`),
    ...surplus.map((one) => `${what} "${one}" was not expected`),
  ];
}
