import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LIMITS } from 'nestjs-runhooks/internal';
import { DispatchHarness, type Handling } from './dispatch-harness.js';

const MINUTE = 60_000;
let old: DispatchHarness;
let seen: string[];

/** Starts another process on the same inbox with the given version and handlers, one second later. */
async function start(version: string, handlers: Record<string, Handling>): Promise<DispatchHarness> {
  old?.clock.advance(1_000);
  const harness = await DispatchHarness.open(old && { store: old.store, clock: old.clock });
  for (const [id, handling] of Object.entries(handlers)) {
    harness.on(id, (event) => void seen.push(`${id} in ${version}: ${event.id}`), handling);
  }
  await harness.presence.start();
  return harness;
}

/** Returns the sorted names of the handlers that ran. */
function ran(): string[] {
  return seen.splice(0).sort((a, b) => (a < b ? -1 : 1));
}

beforeEach(async () => {
  old = undefined as unknown as DispatchHarness;
  seen = [];
  old = await start('old', { kept: {} });
});

afterEach(async () => {
  await old.close();
});

describe('a handler of a newer process', () => {
  it('receives what an older process parses, once, from its registration on, and no other handler runs twice', async () => {
    await old.send({ run: 'before' });
    await old.idle();
    const newer = await start('new', { kept: {}, added: {} });
    await old.send({ run: '1' });
    await old.idle();
    expect(await old.deliveries('added')).toEqual([]);
    await newer.idle();
    await old.send({ run: '2' });
    await newer.idle();
    await old.idle();
    expect(ran()).toEqual([
      'added in new: run.succeeded:probe/1/1',
      'added in new: run.succeeded:probe/1/2',
      'kept in new: run.succeeded:probe/1/2',
      'kept in old: run.succeeded:probe/1/1',
      'kept in old: run.succeeded:probe/1/before',
    ]);
    expect((await old.inbox.counts()).checks).toBe(0);
  });

  it('receives only matching events', async () => {
    const newer = await start('new', { added: { types: ['run.failed'], filter: { job: 'nightly-*' } } });
    await old.send({ run: '1', job: 'nightly-1', types: ['run.failed', 'run.completed'] });
    await old.send({ run: '2', job: 'hourly', types: ['run.failed', 'run.completed'] });
    await old.send({ run: '3', job: 'nightly-1' });
    await old.idle();
    await newer.idle();
    expect(ran().filter((line) => line.startsWith('added'))).toEqual(['added in new: run.failed:probe/1/1']);
  });

  it('receives messages as events when no earlier handler subscribed to messages', async () => {
    const newer = await start('new', { messages: { messages: true } });
    const read = await old.send({ run: '1' });
    const unknown = await old.send({ as: 'unrecognized' });
    await old.idle();
    expect(await old.deliveries('messages')).toEqual([]);
    await newer.idle();
    expect((await newer.deliveries('messages')).map(({ eventId, state }) => [eventId, state])).toEqual([
      [`message.received:probe/${read}`, 'succeeded'],
      [`message.received:probe/${unknown}`, 'succeeded'],
    ]);
  });

  it('does not announce an event that exists only because its message was handed off', async () => {
    const newer = await start('new', { messages: { messages: true } });
    await old.send({ run: '1' });
    await old.idle();
    await newer.idle();
    expect(await newer.deliveries('messages')).toHaveLength(1);
    expect(old.announced.map(({ type }) => type)).toEqual(['run.succeeded', 'run.completed']);
    expect(newer.announced).toEqual([]);
  });

  it('receives a message as an event that another new handler has received already', async () => {
    const one = await start('one', { first: { messages: true } });
    const two = await start('two', { second: { messages: true } });
    const id = await old.send();
    await old.idle();
    await one.idle();
    await two.idle();
    const lines = [`first in one: message.received:probe/${id}`, `second in two: message.received:probe/${id}`];
    expect(ran().filter((line) => !line.startsWith('kept'))).toEqual(lines);
    expect((await old.inbox.events({ type: 'message.received' })).items).toHaveLength(1);
  });

  it('receives nothing of messages reparsed without running handlers, nor of messages without events', async () => {
    await start('new', { added: { messages: true } });
    await old.send({ as: 'quarantined' });
    await old.send({ as: 'test' });
    await old.idle();
    await old.inbox.reparse({ states: ['quarantined', 'test'], by: 'me' });
    await old.idle();
    expect((await old.inbox.counts()).checks).toBe(0);
  });

  it('waits for its process while it is down, is listed as missing, and is not run by another version', async () => {
    const newer = await start('new', { added: { filter: { job: 'a' } } });
    await newer.presence.stop();
    await old.send({ job: 'a' });
    await old.idle();
    expect(await old.inbox.missingHandlers()).toEqual([{ handlerId: 'added', deliveries: 0, checks: 1 }]);
    const other = await start('other', { added: { filter: { job: 'b' } } });
    await other.idle();
    expect(ran()).toEqual(['kept in old: run.succeeded:probe/1/1']);
    const back = await start('back', { added: { filter: { job: 'a' } } });
    await back.idle();
    expect(ran()).toEqual(['added in back: run.succeeded:probe/1/1']);
    expect(await old.inbox.missingHandlers()).toEqual([]);
  });

  it('counts as removed when no process has had it for a day, so nothing more is handed off', async () => {
    const newer = await start('new', { added: {} });
    await newer.presence.stop();
    // The heartbeats continue, because a day that passes at once could be a changed clock.
    const beatMs = LIMITS.clockJumpMs / 2;
    for (let passedMs = 0; passedMs < LIMITS.handlerMissingMs; passedMs += beatMs) {
      old.clock.advance(beatMs);
      await old.presence.renew();
    }
    await old.send({ run: '1' });
    await old.idle();
    expect((await old.inbox.counts()).checks).toBe(1);
    old.clock.advance(1_001);
    await old.presence.renew();
    await old.send({ run: '2' });
    await old.idle();
    expect((await old.inbox.counts()).checks).toBe(1);
  });
});

describe('a handler with filters changed by a newer process', () => {
  it('receives what the newer filters match, even if an older process parses it', async () => {
    await old.presence.stop();
    old = await start('old', { alarm: { filter: { job: 'a' } } });
    const newer = await start('new', { alarm: { filter: { job: ['a', 'b'] } } });
    for (const job of ['a', 'b', 'c']) await old.send({ run: job, job });
    await old.idle();
    expect(ran()).toEqual(['alarm in old: run.succeeded:probe/1/a']);
    await newer.idle();
    expect(ran()).toEqual(['alarm in new: run.succeeded:probe/1/b']);
    expect((await newer.deliveries('alarm')).map(({ attempts }) => attempts)).toEqual([1, 1]);
  });

  it('causes no handed-off messages for the older version', async () => {
    const newer = await start('new', { kept: { filter: { job: 'b' } } });
    await newer.send({ job: 'a' });
    await newer.idle();
    await old.idle();
    expect(ran()).toEqual([]);
    expect(await old.inbox.counts()).toMatchObject({ checks: 0, events: 2 });
  });

  it('is the same handler whatever the order of its options', async () => {
    const one = await start('one', { kept: {}, added: { filter: { job: 'job', account: '1' } } });
    await start('two', { added: { filter: { account: '1', job: 'job' } } });
    await one.send();
    await one.idle();
    expect((await one.inbox.counts()).checks).toBe(0);
  });
});

describe('stuck-run and fan-in handlers of a newer process', () => {
  it('watch runs whose start an older process parses, and wait for runs whose end it parses', async () => {
    const newer = await start('new', {
      watch: { on: { stuck: { afterMs: MINUTE } } },
      joined: { on: { barrier: { jobs: ['a', 'b'], withinMs: 60 * MINUTE } } },
    });
    await old.send({ run: '1', job: 'slow', types: ['run.started'] });
    await old.send({ run: '2', job: 'a' });
    await old.send({ run: '3', job: 'b' });
    await old.idle();
    await newer.idle();
    old.clock.advance(MINUTE);
    await newer.idle();
    expect(ran().filter((line) => !line.startsWith('kept'))).toEqual([
      expect.stringMatching(/^joined in new: runs\.joined:joined\//),
      'watch in new: run.stuck:probe/1/1/watch',
    ]);
  });
});

describe('three processes with different handlers that parse in turn', () => {
  it('run each handler once per event since its registration', async () => {
    const second = await start('second', { kept: {}, b: {} });
    const third = await start('third', { kept: {}, b: {}, c: {} });
    const processes = [old, second, third];
    for (let run = 0; run < 30; run += 1) {
      await old.send({ run: `${run}` });
      await processes[run % 3]!.idle();
    }
    for (const process of processes) await process.idle();
    const events = ran().map((line) => line.replace(/ in \w+:/, ''));
    expect(new Set(events).size).toBe(90);
    expect(events).toHaveLength(90);
    expect(await old.inbox.counts()).toMatchObject({ checks: 0, missingHandlers: 0, workers: 3 });
  });
});
