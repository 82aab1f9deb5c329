import { setTimeout as sleep } from 'node:timers/promises';
import type { INestApplication } from '@nestjs/common';
import { Inbox } from 'nestjs-runhooks';
import { sendWebhook, waitUntilIdle } from 'nestjs-runhooks/testing';
import type { LineLogger } from './line-logger.js';
import type { Seen } from './observed-inbox.js';
import type { Step } from './scenario.js';
import type { StepResult } from './timeline.js';

/** A delivery that is to be tried again must have been by then. */
const IDLE_MS_MAX = 30_000;

/** Sends a step's webhook, waits for all that comes of it, and compares. Takes what it reports out of `seen`. */
export async function play(app: INestApplication, step: Step, seen: Seen[], logger: LineLogger): Promise<StepResult> {
  const answer = await sendWebhook(app, `/webhooks/${step.source}`, step.webhook);
  const isIdle = await idle(app);
  const seenNow = seen.splice(0);
  const states = seenNow.flatMap((one) => (one.kind === 'message' ? [one.state] : []));
  const attempts = seenNow.flatMap((one) =>
    one.kind === 'handled' ? [`${one.handler} ${one.type} ${one.outcome}`] : [],
  );
  const problems = [
    ...differences('answer', [step.answer], [`${answer.status} ${answer.body.status}`]),
    ...differences('message', step.state === undefined ? [] : [step.state], states),
    ...differences('attempt', step.attempts, attempts),
    ...(isIdle ? [] : [`there was still work to do after ${IDLE_MS_MAX} ms`]),
  ];
  return { step, answer, seen: seenNow, log: logger.take(), problems };
}

/** Waits for deliveries that are to be tried again, too. */
async function idle(app: INestApplication): Promise<boolean> {
  const deadline = Date.now() + IDLE_MS_MAX;
  while (Date.now() < deadline) {
    await waitUntilIdle(app);
    const { messages, deliveries } = await app.get(Inbox).counts();
    if (messages.stored === 0 && deliveries.pending === 0) return true;
    await sleep(20);
  }
  return false;
}

function differences(what: string, expected: readonly string[], found: readonly string[]): string[] {
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
