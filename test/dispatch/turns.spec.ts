import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Store } from 'nestjs-runhooks/core';
import { LIMITS } from 'nestjs-runhooks/internal';
import { DispatchHarness, openStore } from './dispatch-harness.js';
import { ProbeProvider, SIGNATURE, type ProbeMessage } from './probe-provider.js';

const HOUR = 3_600_000;
/** The name sorts after the probe in every order, so this source is only served first when it is its turn. */
const SMALL = 'small';

let harness: DispatchHarness;
let store: Store;
/** Sources of the messages in each claim. */
let claimed: string[][];

beforeEach(async () => {
  store = await openStore();
  claimed = [];
  const claimMessages: Store['claimMessages'] = async (claim) => {
    const messages = await store.claimMessages(claim);
    claimed.push(messages.map(({ source }) => source));
    return messages;
  };
  const watched = new Proxy(store, {
    get(target, verb) {
      const member: unknown = verb === 'claimMessages' ? claimMessages : Reflect.get(target, verb, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
  harness = await DispatchHarness.open({
    store: watched,
    concurrency: 1,
    sources: [{ name: SMALL, provider: 'probe', open: () => new ProbeProvider() }],
  });
});
afterEach(() => harness.close());

const sendSmall = (message: ProbeMessage) =>
  harness.receive(SMALL, { body: Buffer.from(JSON.stringify(message)), headers: SIGNATURE });

async function flood(messages: number, message: ProbeMessage = {}): Promise<void> {
  for (let run = 0; run < messages; run += 1) await harness.send({ ...message, run: `flood-${run}` });
}

describe('a source that sends 5,000 messages at once', () => {
  it('lets the second claim parse a message of another source', async () => {
    await flood(5_000, { as: 'test' });
    await sendSmall({ run: '1' });
    await harness.idle();
    const first = claimed.findIndex((sources) => sources.includes(SMALL));
    expect(first).toBeLessThanOrEqual(1);
    expect(claimed.flat()).toHaveLength(5_001);
  });

  it('does not delay tasks of other sources', async () => {
    let unread: number | undefined;
    harness.on('watch', async () => void (unread = (await harness.inbox.counts()).messages.stored), {
      on: { stuck: { afterMs: HOUR } },
    });
    await sendSmall({ run: '1', types: ['run.started'] });
    await harness.idle();
    harness.clock.advance(HOUR);
    await flood(10 * LIMITS.claimMax, { as: 'test' });
    await harness.idle();
    expect(unread).toBeGreaterThan(5 * LIMITS.claimMax);
  });
});

describe('waiting deliveries', () => {
  it('take turns with one that is recorded after all of them', async () => {
    const ran: string[] = [];
    await recordFirst(async () => {
      await flood(300);
      await harness.send({ run: 'last', types: ['run.failed'] });
      await sendSmall({ run: 'last' });
    });
    harness.on('slow', ({ source }) => void ran.push(`slow ${source}`));
    harness.on('other', ({ source }) => void ran.push(`other ${source}`), { types: ['run.failed'] });
    await harness.idle();
    expect(ran).toHaveLength(302);
    expect(ran.slice(0, 3).sort()).toEqual(['other probe', 'slow probe', `slow ${SMALL}`]);
  });

  it('take turns between sources when the handler has a concurrency limit', async () => {
    const ran: string[] = [];
    await recordFirst(async () => {
      await flood(50);
      await sendSmall({ run: 'last' });
    });
    harness.on('slow', ({ source }) => void ran.push(source), { concurrency: 1 });
    await harness.idle();
    expect(ran).toHaveLength(51);
    expect(ran.indexOf(SMALL)).toBeLessThanOrEqual(1);
  });
});

/** Parses what is sent in a process that knows the handlers but has no free slot to run them. */
async function recordFirst(send: () => Promise<void>): Promise<void> {
  await send();
  const reader = await DispatchHarness.open({
    store,
    clock: harness.clock,
    concurrency: 0,
    sources: [{ name: SMALL, provider: 'probe', open: () => new ProbeProvider() }],
  });
  reader.on('slow', () => undefined);
  reader.on('other', () => undefined, { types: ['run.failed'] });
  await reader.idle();
}
