import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { NewMessage, Store } from 'nestjs-runhooks/core';
import { LIMITS } from 'nestjs-runhooks/internal';
import { DispatchHarness, held, openStore, until } from './dispatch-harness.js';
import { FailingStore } from './failing-store.js';
import { ProbeProvider, SIGNATURE, type ProbeMessage } from './probe-provider.js';

/** Source whose turn comes first. */
const FIRST = { name: 'a', provider: 'probe', open: () => new ProbeProvider() };
const STARTED: ProbeMessage = { run: 'run', types: ['run.started'] };
const ENDED: ProbeMessage = { run: 'run', types: ['run.succeeded', 'run.completed'] };

let inbox: Store;
/** What the process under test stored last. */
let appended: NewMessage | undefined;
let watched: FailingStore;
let one: DispatchHarness;
/** Another process, which receives only. */
let receiver: DispatchHarness;
let seen: string[];

beforeEach(async () => {
  inbox = await openStore();
  watched = new FailingStore(inbox);
  const { append } = watched.store;
  const store = new Proxy(watched.store, {
    get: (target, verb) => {
      if (verb !== 'append') return Reflect.get(target, verb) as unknown;
      return (message: NewMessage) => append((appended = message));
    },
  });
  one = await DispatchHarness.open({ store, sources: [FIRST] });
  receiver = await DispatchHarness.open({ store: inbox, clock: one.clock, role: 'receiver', sources: [FIRST] });
  seen = [];
  const note = ({ type, ...event }: { type: string; late?: boolean }): void =>
    void seen.push(event.late ? `${type}, late` : type);
  one.on('noting', note, { types: ['run.started', 'run.succeeded'] });
});

afterEach(async () => await one.close());

/** Makes the first call of a verb wait for `release`. */
function hold(verb: keyof Store): { readonly calls: () => number; readonly release: () => void } {
  const { promise, release } = held();
  let calls = 0;
  const previous = watched.beforeReturn;
  watched.beforeReturn = (called, result) => {
    if (called !== verb) return previous(called, result);
    calls += 1;
    return calls === 1 ? promise : undefined;
  };
  return { calls: () => calls, release };
}

async function send(message: ProbeMessage): Promise<NewMessage | undefined> {
  one.clock.advance(10);
  await one.send(message);
  return appended;
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe('messages that a process claims as it stores them', () => {
  it('do not overtake one that it stored unclaimed while it asked for unclaimed ones', async () => {
    const claim = hold('claimMessages');
    const deliver = hold('claimDeliveries');
    one.dispatcher.start();
    await until(() => claim.calls() === 1);
    await send(STARTED);
    claim.release();
    await turns();
    const ended = await send(ENDED);
    deliver.release();
    await until(() => seen.length === 2);
    expect([ended?.claim, seen]).toEqual([undefined, ['run.started', 'run.succeeded']]);
  });

  it('do not overtake one that is being stored unclaimed while the store has no other', async () => {
    const claim = hold('claimMessages');
    const append = hold('append');
    one.dispatcher.start();
    await until(() => claim.calls() === 1);
    const started = one.send(STARTED);
    await until(() => append.calls() === 1);
    claim.release();
    await turns();
    const ended = await send(ENDED);
    append.release();
    await started;
    await until(() => seen.length === 2);
    expect(ended?.claim).toBeUndefined();
  });

  it('do not overtake what waits behind a message whose parsing was begun before', async () => {
    await receiver.receive(FIRST.name, { body: Buffer.from('{"run":"begun","types":[]}'), headers: SIGNATURE });
    const sources = [FIRST.name];
    await inbox.claimMessages({ now: one.clock.now(), leaseMs: 1_000, limit: 1, lease: 'dead', sources });
    one.clock.advance(2_000);
    await receiver.send(STARTED);
    const record = hold('record');
    one.dispatcher.start();
    await until(() => record.calls() === 1);
    const ended = await send(ENDED);
    record.release();
    await until(() => seen.length === 2);
    expect([ended?.claim, seen]).toEqual([undefined, ['run.started', 'run.succeeded']]);
  });

  it('do not overtake a backlog of another process once the process has found it', async () => {
    one.dispatcher.start();
    await until(() => watched.countOf('claimMessages') > 0);
    await turns();
    expect((await send({ run: 'before', types: ['run.failed'] }))?.claim).toBeDefined();
    for (let run = 0; run < LIMITS.claimMax; run++) await receiver.send({ run: `${run}`, types: ['run.failed'] });
    await receiver.send(STARTED);
    const record = hold('record');
    one.dispatcher.wake();
    await until(() => record.calls() === 1);
    const ended = await send(ENDED);
    record.release();
    await until(() => seen.length === 2);
    expect([ended?.claim, seen]).toEqual([undefined, ['run.started', 'run.succeeded']]);
    await until(async () => (await one.inbox.counts()).messages.stored === 0);
    await turns();
    expect((await send({ run: 'after', types: ['run.failed'] }))?.claim).toBeDefined();
  });
});
