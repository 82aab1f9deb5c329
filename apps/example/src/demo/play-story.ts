import type { INestApplication } from '@nestjs/common';
import { Inbox } from 'nestjs-runhooks';
import type { FakeDbtCloud } from 'nestjs-runhooks/testing';
import { consequencesOf, type Seen } from './consequences.js';
import type { LineLogger } from './line-logger.js';
import { attemptsIn, differences, idle, NOT_IDLE } from './play.js';
import type { StoryStep } from './stories.js';
import type { StoryResult } from './timeline.js';

/** Lets a step of a story happen, waits for all work that follows, and compares the result. */
export async function playStory(
  app: INestApplication,
  dbt: FakeDbtCloud,
  step: StoryStep,
  logger: LineLogger,
): Promise<StoryResult> {
  const inbox = app.get(Inbox);
  const known = new Set(await messageIds(inbox));
  const webhooksBefore = dbt.webhooks.length;
  await step.act(app);
  const isIdle = await idle(app, inbox);
  const seen: Seen[] = [];
  for (const id of (await messageIds(inbox)).filter((one) => !known.has(one))) {
    seen.push(...(await consequencesOf(inbox, id)));
  }
  const webhooks = dbt.webhooks.slice(webhooksBefore);
  const sent = webhooks.map(({ type, state }) => `${type} ${state}`);
  const problems = [
    ...differences('webhook', step.webhooks, sent),
    ...differences('attempt', step.attempts, attemptsIn(seen)),
    ...(isIdle ? [] : [NOT_IDLE]),
  ];
  return { step, webhooks, seen, log: logger.take(), problems };
}

/** Returns the ids of the latest messages, the oldest first. */
async function messageIds(inbox: Inbox): Promise<string[]> {
  const { items } = await inbox.messages({}, { limit: 1_000 });
  return items.map(({ id }) => id).reverse();
}
