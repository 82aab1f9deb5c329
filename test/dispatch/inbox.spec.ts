import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ConfigurationError, PermanentError } from 'nestjs-runhooks/core';
import {
  LIMITS,
  type DeadLetterEvent,
  type DeliveryContext,
  type RunEvent,
  type WebhookEvent,
} from 'nestjs-runhooks/internal';
import { DispatchHarness, until } from './dispatch-harness.js';

let harness: DispatchHarness;
let seen: [WebhookEvent, DeliveryContext][];

const note = (event: WebhookEvent, delivery: DeliveryContext): void => void seen.push([event, delivery]);
const seenTypes = () => seen.map(([{ type }]) => type);

beforeEach(async () => {
  harness = await DispatchHarness.open();
  seen = [];
});

afterEach(async () => {
  jest.useRealTimers();
  await harness.close();
});

describe('a dead letter', () => {
  const dies = () => {
    throw new PermanentError('no such ticket');
  };
  const onDead = { types: ['delivery.dead'] };

  it('notifies its handlers of the delivery, its error and its event', async () => {
    harness.on('mortal', dies);
    harness.on('alarm', note, onDead);
    const messageId = await harness.send({ run: '7' });
    await harness.idle();
    const [[event] = []] = seen;
    const [delivery] = await harness.deliveries('mortal');
    expect(event).toMatchObject({
      type: 'delivery.dead',
      provider: 'probe',
      source: 'probe',
      messageId,
      run: { id: '7' },
      deadLetter: {
        deliveryId: delivery?.id,
        handlerId: 'mortal',
        eventId: 'run.succeeded:probe/1/7',
        eventType: 'run.succeeded',
        attempts: 1,
        error: { name: 'PermanentError', message: 'no such ticket' },
      },
    });
    expect(event?.payload).toEqual({ run: '7' });
  });

  it('is kept without a further dead letter when a dead-letter handler fails', async () => {
    harness.on('mortal', dies);
    harness.on('alarm', dies, onDead);
    harness.on('second alarm'.replace(' ', '-'), note, onDead);
    await harness.send();
    await harness.idle();
    expect(await harness.outcome('alarm')).toEqual(['dead', 'PermanentError']);
    expect(seen).toHaveLength(1);
    expect((await harness.inbox.counts()).deliveries).toMatchObject({ dead: 2, succeeded: 1, pending: 0 });
  });

  it('is filtered by the event it is about', async () => {
    harness.on('mortal', dies);
    harness.on('alarm', note, { ...onDead, filter: { job: 'nightly' } });
    await harness.send({ run: '1', job: 'hourly' });
    await harness.send({ run: '2', job: 'nightly' });
    await harness.idle();
    expect(seen.map(([event]) => (event as DeadLetterEvent).run?.id)).toEqual(['2']);
  });

  it('notifies its handlers again when the delivery dies again', async () => {
    harness.on('mortal', dies);
    harness.on('alarm', note, onDead);
    await harness.send();
    await harness.idle();
    await harness.inbox.redrive({ by: 'me' });
    await harness.idle();
    expect(seen.map(([event]) => (event as DeadLetterEvent).deadLetter.attempts)).toEqual([1, 2]);
  });
});

describe('Inbox.redrive', () => {
  it('gives a dead letter its full number of attempts again and keeps counting', async () => {
    let heals = false;
    const attempts: number[] = [];
    const run = (_: WebhookEvent, { attempt }: DeliveryContext) => {
      attempts.push(attempt);
      if (!heals || attempt < 6) throw new Error('no');
    };
    harness.on('handler', run, { retry: { attemptsMax: 3 } });
    await harness.send();
    await harness.idle();
    heals = true;
    expect(await harness.inbox.redrive({ by: 'me' })).toBe(1);
    await harness.idle();
    expect(attempts).toEqual([1, 2, 3, 4, 5, 6]);
    const [delivery] = await harness.deliveries('handler');
    expect(delivery).toMatchObject({ state: 'succeeded', attempts: 6 });
    const kept = await harness.inbox.attempts(delivery!.id);
    expect(kept.map(({ attempt, outcome }) => `${attempt} ${outcome}`)).toEqual([
      '1 failed',
      '2 failed',
      '3 failed',
      '4 failed',
      '5 failed',
      '6 succeeded',
    ]);
  });

  it('selects deliveries by id, by handler, or all, and only dead letters', async () => {
    let heals = false;
    const run = () => {
      if (!heals) throw new PermanentError('no');
    };
    harness.on('a', run);
    harness.on('b', run);
    harness.on('healthy', () => undefined);
    for (let index = 0; index < 3; index++) await harness.send({ run: `${index}` });
    await harness.idle();
    heals = true;
    const [first] = await harness.deliveries('a');
    const [healthy] = await harness.deliveries('healthy');
    expect(await harness.inbox.redrive({ deliveryIds: [first!.id, healthy!.id, 'nowhere'], by: 'me' })).toBe(1);
    expect(await harness.inbox.redrive({ deliveryIds: [], by: 'me' })).toBe(0);
    expect(await harness.inbox.redrive({ handlerId: 'b', by: 'me' })).toBe(3);
    expect(await harness.inbox.redrive({ handlerId: 'b', deliveryIds: [first!.id], by: 'me' })).toBe(0);
    await harness.idle();
    expect((await harness.inbox.counts()).deliveries).toMatchObject({ dead: 2, succeeded: 7 });
    expect(await harness.inbox.redrive({ by: 'me' })).toBe(2);
    expect(await harness.inbox.redrive({ by: 'me' })).toBe(0);
  });
});

describe('new work', () => {
  it.each(['redrive', 'replay', 'reparse'] as const)('wakes the worker: %s', async (verb) => {
    let heals = false;
    let runs = 0;
    harness.on('handler', () => {
      runs += 1;
      if (!heals) throw new PermanentError('no');
    });
    await harness.send();
    await harness.send({ run: '2', as: 'quarantined' });
    // Without a poll of its own, the worker only runs what it was woken for.
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'Date', 'queueMicrotask'] });
    harness.dispatcher.start();
    await until(async () => (await harness.inbox.counts()).deliveries.dead === 1);
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    heals = true;
    harness.provider.upgraded = true;
    if (verb === 'redrive') await harness.inbox.redrive({ by: 'me' });
    else if (verb === 'replay') await harness.inbox.replay({ id: 'one', events: {}, by: 'me' });
    else await harness.inbox.reparse({ runHandlers: true, by: 'me' });
    await until(() => runs === 2);
  });
});

describe('Inbox.replay', () => {
  it('creates new deliveries of stored events, flagged as replays', async () => {
    harness.on('handler', note);
    await harness.send();
    await harness.idle();
    expect(await harness.inbox.replay({ id: 'one', events: {}, by: 'me' })).toBe(1);
    await harness.idle();
    const [first, second] = seen;
    expect([first?.[1].isReplay, second?.[1].isReplay]).toEqual([false, true]);
    expect(second?.[1].id).not.toBe(first?.[1].id);
    expect(second?.[0]).toEqual(first?.[0]);
    expect((await harness.deliveries('handler')).map(({ replayId }) => replayId)).toEqual(['', 'one']);
  });

  it('creates nothing when repeated under the same id, even at the same time', async () => {
    harness.on('handler', note);
    for (let run = 0; run < 5; run++) await harness.send({ run: `${run}` });
    await harness.idle();
    const again = () => harness.inbox.replay({ id: 'one', events: {}, by: 'me' });
    const added = await Promise.all([again(), again(), again()]);
    expect(added.reduce((sum, count) => sum + count)).toBe(5);
    expect(await again()).toBe(0);
    expect(await harness.inbox.replay({ id: 'two', events: {}, by: 'me' })).toBe(5);
    await harness.idle();
    expect(seen).toHaveLength(15);
  });

  it('reaches a handler added after the event, and only the named handlers', async () => {
    harness.on('old', note);
    await harness.send();
    await harness.idle();
    harness.on('new', note);
    expect(await harness.inbox.replay({ id: 'one', events: {}, handlerIds: ['new'], by: 'me' })).toBe(1);
    expect(await harness.inbox.replay({ id: 'two', events: {}, handlerIds: [], by: 'me' })).toBe(0);
    await harness.idle();
    expect(seen.map(([, { handlerId }]) => handlerId)).toEqual(['old', 'new']);
  });

  it('applies the current filters, as for a new event', async () => {
    await harness.send({ job: 'nightly' });
    await harness.send({ run: '2', job: 'hourly' });
    await harness.idle();
    harness.on('handler', note, { filter: { job: 'nightly' } });
    harness.on('other-type', note, { types: ['run.failed'] });
    expect(await harness.inbox.replay({ id: 'one', events: {}, by: 'me' })).toBe(1);
  });

  it('selects the requested events', async () => {
    await harness.send({ run: '1' });
    await harness.idle();
    harness.clock.advance(60_000);
    const messageId = await harness.send({ run: '2' });
    await harness.idle();
    const recorded = harness.clock.now();
    const types = ['run.succeeded', 'run.completed'];
    harness.on('handler', note, { types });
    let id = 0;
    const replayed = (events: Parameters<typeof harness.inbox.replay>[0]['events']) =>
      harness.inbox.replay({ id: `${(id += 1)}`, events, by: 'me' });
    expect(await replayed({})).toBe(4);
    expect(await replayed({ type: 'run.completed' })).toBe(2);
    expect(await replayed({ messageId })).toBe(2);
    expect(await replayed({ recordedFrom: recorded })).toBe(2);
    expect(await replayed({ recordedBefore: recorded })).toBe(2);
    expect(await replayed({ source: 'probe' })).toBe(4);
    expect(await replayed({ source: 'elsewhere' })).toBe(0);
    expect(await replayed({ ids: ['run.completed:probe/1/1', 'nowhere'] })).toBe(1);
    expect(await replayed({ ids: [] })).toBe(0);
  });

  it('keeps the recorded order across steps', async () => {
    const runs = LIMITS.replayStepMax;
    for (let run = 0; run < runs; run++) {
      await harness.send({ run: `${run}`, types: ['run.started'] });
      await harness.send({ run: `${run}`, types: ['run.succeeded', 'run.completed'] });
      if (run % 7 === 0) harness.clock.advance(1);
      if (run % 3 === 0) await harness.idle();
    }
    await harness.idle();
    const types = ['run.started', 'run.succeeded', 'run.completed'];
    const order: string[] = [];
    harness.on('handler', (event) => void order.push(`${(event as RunEvent).run.id} ${event.type}`), {
      types,
      serialize: 'job',
    });
    expect(await harness.inbox.replay({ id: 'one', events: {}, by: 'me' })).toBe(runs * 3);
    await harness.idle();
    expect(order).toHaveLength(runs * 3);
    for (const run of [0, 1, 66, 67, runs - 1]) {
      expect(order.filter((line) => line.startsWith(`${run} `))).toEqual(types.map((type) => `${run} ${type}`));
    }
    const recorded = order.filter((line) => line.endsWith('started')).map((line) => Number(line.split(' ')[0]));
    expect(recorded).toEqual([...recorded].sort((a, b) => a - b));
  });

  it('selects the events that exist when it begins, each once, even if more are recorded during it', async () => {
    const runs = LIMITS.replayStepMax;
    for (let run = 0; run < runs; run++) await harness.send({ run: `${run}` });
    await harness.idle();
    harness.on('handler', note, { types: ['run.succeeded', 'run.completed'] });
    const { store } = harness;
    const events = store.events.bind(store);
    let pages = 0;
    store.events = async (...args) => {
      const page = await events(...args);
      harness.clock.advance(1);
      await harness.send({ run: `later ${(pages += 1)}` });
      await harness.idle();
      return page;
    };
    expect(await harness.inbox.replay({ id: 'one', events: {}, by: 'me' })).toBe(2 * runs);
    expect(pages).toBeGreaterThan(1);
    const { items } = await harness.inbox.deliveries({ handlerId: 'handler' }, { limit: 1_000 });
    const replayed = items.filter(({ replayId }) => replayId === 'one').map(({ eventId }) => eventId);
    expect(new Set(replayed).size).toBe(2 * runs);
    expect(replayed.join()).not.toContain('later');
  });

  it('creates only runnable deliveries when events are purged during it', async () => {
    harness.on('handler', note);
    await harness.send();
    await harness.idle();
    const { store } = harness;
    const events = store.events.bind(store);
    store.events = async (...args) => {
      const page = await events(...args);
      harness.clock.advance(LIMITS.finishedMs + 1);
      await harness.purger.purge();
      return page;
    };
    expect(await harness.inbox.replay({ id: 'one', events: {}, by: 'me' })).toBe(0);
    await harness.send({ run: '2' });
    await harness.idle();
    expect(seen).toHaveLength(2);
  });

  it.each([
    ['empty', ''],
    ['too long', 'x'.repeat(LIMITS.replayIdCharsMax + 1)],
    ['missing', undefined],
    ['a number', 5],
  ])('rejects an id that is %s', async (_, id) => {
    const refused = harness.inbox.replay({ id: id as string, events: {}, by: 'me' });
    await expect(refused).rejects.toThrow(ConfigurationError);
  });
});

describe('Inbox.reparse', () => {
  const RUNNING = { runHandlers: true, by: 'me' };

  it('creates events and runs handlers for messages that could not be parsed before an upgrade', async () => {
    harness.on('handler', note);
    await harness.send({ run: '1', as: 'quarantined' });
    await harness.send({ run: '2', as: 'unrecognized' });
    await harness.idle();
    expect((await harness.inbox.counts()).messages).toMatchObject({ quarantined: 1, unrecognized: 1, parsed: 0 });
    harness.provider.upgraded = true;
    expect(await harness.inbox.reparse(RUNNING)).toBe(2);
    await harness.idle();
    expect((await harness.inbox.counts()).messages).toMatchObject({ quarantined: 0, unrecognized: 0, parsed: 2 });
    expect(seenTypes()).toEqual(['run.succeeded', 'run.succeeded']);
  });

  it('records events without running handlers by default; a later replay can run them', async () => {
    harness.on('handler', note);
    await harness.send({ as: 'quarantined' });
    await harness.idle();
    harness.provider.upgraded = true;
    expect(await harness.inbox.reparse({ by: 'me' })).toBe(1);
    await harness.idle();
    expect(seen).toEqual([]);
    expect((await harness.inbox.counts()).events).toBe(2);
    expect(await harness.inbox.replay({ id: 'one', events: {}, by: 'me' })).toBe(1);
    await harness.idle();
    expect(seen).toHaveLength(1);
  });

  it('runs handlers when the second call asks for it', async () => {
    harness.on('handler', note);
    await harness.send({ as: 'quarantined' });
    await harness.idle();
    expect(await harness.inbox.reparse({ by: 'me' })).toBe(1);
    await harness.idle();
    harness.provider.upgraded = true;
    expect(await harness.inbox.reparse(RUNNING)).toBe(1);
    await harness.idle();
    expect(seen).toHaveLength(1);
  });

  it('keeps the state of messages that still cannot be parsed, however often it is called', async () => {
    await harness.send({ as: 'quarantined' });
    for (let times = 0; times < LIMITS.parseClaimsMax + 3; times++) {
      await harness.idle();
      expect(await harness.inbox.reparse(RUNNING)).toBe(1);
    }
    await harness.idle();
    const { items } = await harness.inbox.messages();
    expect(items[0]).toMatchObject({ state: 'quarantined', reason: 'not to be read' });
  });

  it('delivers each message only once to message handlers', async () => {
    harness.on('handler', note, { messages: true });
    await harness.send({ as: 'unrecognized' });
    await harness.idle();
    harness.provider.upgraded = true;
    await harness.inbox.reparse(RUNNING);
    await harness.idle();
    expect(seenTypes()).toEqual(['message.received']);
  });

  it('does not let an old message change the outcome of its run', async () => {
    harness.on('handler', note, { types: ['run.succeeded', 'run.failed'] });
    await harness.send({ as: 'quarantined', types: ['run.failed', 'run.completed'] });
    await harness.send({ types: ['run.succeeded', 'run.completed'] });
    await harness.idle();
    harness.provider.upgraded = true;
    await harness.inbox.reparse(RUNNING);
    await harness.idle();
    expect(seenTypes()).toEqual(['run.succeeded']);
    expect(harness.lines.at(-1)).toMatch(/^warn: .*reports run 1 as failed, but that run already has another outcome/);
  });

  it('selects the named messages in the named states', async () => {
    const ids = [];
    for (const run of ['1', '2', '3']) ids.push(await harness.send({ run, as: 'quarantined' }));
    const read = await harness.send({ run: '4' });
    const test = await harness.send({ run: '5', as: 'test' });
    await harness.idle();
    expect(await harness.inbox.reparse({ messageIds: [ids[0]!, read, test, 'nowhere'], by: 'me' })).toBe(1);
    expect(await harness.inbox.reparse({ messageIds: [], by: 'me' })).toBe(0);
    expect(await harness.inbox.reparse({ states: [], by: 'me' })).toBe(0);
    expect(await harness.inbox.reparse({ states: ['test'], by: 'me' })).toBe(1);
    expect(await harness.inbox.reparse(RUNNING)).toBe(2);
  });
});

describe('a message that its provider cannot parse', () => {
  const poisons: [string, () => unknown][] = [
    ['throws', () => thrower(new Error('found hunter2'))],
    ['throws undefined', () => thrower(undefined)],
    ['overflows the stack', () => overflow(0)],
    ['returns nothing', () => undefined],
    ['returns a promise that rejects', () => Promise.reject(new Error('no')).catch(() => undefined)],
  ];

  it.each(poisons)('is quarantined and logged at once, without affecting others, when parse %s', async (_, poison) => {
    harness.on('handler', note);
    harness.provider.parseOverrides.set('poison', poison);
    const ids = [];
    for (const run of ['1', 'poison', '2']) ids.push(await harness.send({ run }));
    await harness.idle();
    expect(seen.map(([event]) => (event as RunEvent).run.id)).toEqual(['1', '2']);
    expect(await harness.inbox.message(ids[1]!)).toMatchObject({ state: 'quarantined' });
    expect(harness.lines).toEqual([expect.stringMatching(/^warn: Message msg_\S+ .*quarantined: provider "probe"/)]);
    expect(harness.lines.join()).not.toContain('hunter2');
  });
});

describe('messages that are slow to parse', () => {
  it('do not block the event loop, however many one claim takes', async () => {
    for (let run = 0; run < 20; run++) {
      await harness.send({ run: `${run}` });
      harness.provider.parseOverrides.set(`${run}`, () => {
        const end = performance.now() + LIMITS.parseTurnMs;
        while (performance.now() < end);
        return { state: 'test', reason: 'slow' };
      });
    }
    let [turns, over] = [0, false];
    const turn = () => {
      turns += 1;
      if (!over) setImmediate(turn);
    };
    turn();
    await harness.idle();
    over = true;
    expect((await harness.inbox.counts()).messages.test).toBe(20);
    expect(turns).toBeGreaterThanOrEqual(20);
  });
});

function thrower(thrown: unknown): never {
  throw thrown;
}

function overflow(depth: number): number {
  return overflow(depth + 1) + 1;
}
