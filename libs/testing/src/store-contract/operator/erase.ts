import { equal, ok } from 'node:assert/strict';
import type { Erasure, NewEvent } from 'nestjs-runhooks/core';
import { at, HANDLER, LEASE_MS, MUCH_LATER, onlyOne, SOURCE, type StoreHarness } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';

const NAME = 'Zoë "Z" Möller';
/** A name as `JSON.stringify` escapes it. */
const IN_JSON = JSON.stringify(NAME).slice(1, -1);

function erase(harness: StoreHarness, erasure: Partial<Erasure>, ms = 50) {
  const all = { messageIds: [], eventIds: [], runs: [], texts: [], ...erasure };
  return harness.store.erase(all, harness.decision({ by: 'Kim' }), at(ms));
}

/** Records a message with personal data and an event for the handlers. */
async function received(harness: StoreHarness, fields: Partial<NewEvent> & { handlerIds?: readonly string[] } = {}) {
  const event = harness.event({ data: JSON.stringify({ reason: NAME }), ...fields });
  const { id } = await harness.append({ body: Buffer.from(`{"name":"${NAME}"}`), headers: { from: NAME } });
  const tasks = [
    { id: `task ${id}`, kind: 'stuck-run' as const, handlerId: 'watch', dueAt: at(0), data: JSON.stringify(NAME) },
  ];
  await harness.record(await harness.takeMessages(), { decide: () => ({ events: [event], tasks }) });
  return { id, event };
}

/** Returns the result of every list of an inbox. */
async function shown(harness: StoreHarness): Promise<string> {
  const { store } = harness;
  const messages = await store.messages({}, {});
  const details = await Promise.all(messages.items.map(({ id }) => store.message(id)));
  const deliveries = await store.deliveries({}, {});
  const attempts = await Promise.all(deliveries.items.map(({ id }) => store.attempts(id)));
  const bodies = details.map((detail) => Buffer.from(detail?.body ?? []).toString());
  const tasks = await store.claimTasks({ now: at(0), leaseMs: 1, limit: 9, lease: 'look', handlerIds: ['watch'] });
  return [bodies, details, await store.events({}, {}), deliveries, attempts, tasks]
    .map((one) => JSON.stringify(one))
    .join();
}

export const eraseCases: readonly ContractCase[] = [
  {
    title: 'erase: keeps only the fact that a message arrived',
    run: async (harness) => {
      const { id, event } = await received(harness);
      const held = onlyOne(await harness.takeDeliveries());
      const error = { name: NAME, message: NAME, stack: NAME };
      const attempt = { startedAt: at(0), finishedAt: at(5), outcome: 'failed', error } as const;
      await harness.store.record([{ deliveryId: held.id, lease: held.lease, attempt, next: { state: 'dead' } }], at(5));
      ok((await shown(harness)).includes(IN_JSON));
      same(await erase(harness, { messageIds: [id, 'nowhere'] }), { messages: 1, events: 1, dismissed: 1, held: 0 });
      const left = await shown(harness);
      ok(!left.includes(IN_JSON) && !left.includes(NAME));
      const message = await harness.store.message(id);
      same([message?.state, message?.body.length, message?.headers], ['erased', 0, {}]);
      same((await harness.store.events({ ids: [event.id] }, {})).items[0]?.data, '{"erased":true}');
      same((await harness.store.attempts(held.id))[0]?.error, { name: 'erased', message: '', stack: '' });
      const [delivery] = (await harness.store.deliveries({}, {})).items;
      same([delivery?.state, delivery?.dismissal], ['dismissed', { at: at(50), by: 'Kim', reason: 'erased' }]);
      const { messages, checks } = await harness.store.counts();
      same([messages.erased, messages.parsed, checks], [1, 0, 0]);
    },
  },
  {
    title: 'erase: keeps the deduplication key, so that a copy is still a duplicate',
    run: async (harness) => {
      const message = harness.message();
      await harness.store.append(message);
      await erase(harness, { messageIds: [message.id] });
      same(await harness.store.append({ ...message, id: 'msg_other' }), { status: 'duplicate', id: message.id });
    },
  },
  {
    title: 'erase: prevents the parsing of a stored message, even if it is claimed',
    run: async (harness) => {
      const { id } = await harness.append();
      const taken = await harness.takeMessages();
      equal((await erase(harness, { messageIds: [id] })).messages, 1);
      const [recorded] = await harness.record(taken, { decide: () => ({ events: [harness.event()] }) });
      equal(recorded?.recorded, false);
      equal((await harness.takeMessages({ at: MUCH_LATER })).items.length, 0);
    },
  },
  {
    title: 'erase: skips the event of a running attempt until it is settled or its lease expires',
    run: async (harness) => {
      const { id } = await received(harness);
      const held = onlyOne(await harness.takeDeliveries());
      same(await erase(harness, { messageIds: [id] }, LEASE_MS - 1), { messages: 0, events: 0, dismissed: 0, held: 1 });
      equal((await harness.store.message(id))?.state, 'parsed');
      equal((await erase(harness, { messageIds: [id] }, LEASE_MS)).messages, 1);
      equal(await harness.settle(held), false);
    },
  },
  {
    title: 'erase: prevents attempts, redrives, replays and reparsing, and changes nothing the second time',
    run: async (harness) => {
      const { id, event } = await received(harness);
      await erase(harness, { messageIds: [id] });
      equal((await harness.takeDeliveries({ at: MUCH_LATER })).items.length, 0);
      equal(await harness.store.redrive({}, harness.decision(), at(60)), 0);
      const { deliveries } = harness.event();
      equal(await harness.store.replay('again', [{ eventId: event.id, deliveries }], harness.decision(), at(60)), 0);
      const states = ['test', 'unrecognized', 'quarantined', 'erased'] as never;
      equal(await harness.store.reparse({ states, withoutHandlers: false }, harness.decision(), at(60)), 0);
      same(await erase(harness, { messageIds: [id] }), { messages: 0, events: 0, dismissed: 0, held: 0 });
    },
  },
  {
    title: 'erase: erases events of other messages by id and frees the lanes of their deliveries',
    run: async (harness) => {
      const lane = (event: NewEvent) => ({
        ...event,
        deliveries: event.deliveries.map((one) => ({ ...one, lane: 'lane' })),
      });
      const first = lane(harness.event({ data: IN_JSON }));
      const second = lane(harness.event());
      await harness.recordEvent(first);
      await harness.recordEvent(second);
      same(await erase(harness, { eventIds: [first.id] }), { messages: 0, events: 1, dismissed: 1, held: 0 });
      equal(onlyOne(await harness.takeDeliveries()).event.id, second.id);
      const { deliveries } = harness.event();
      equal(await harness.store.replay('again', [{ eventId: first.id, deliveries }], harness.decision(), at(60)), 0);
    },
  },
  {
    title: 'erase: keeps only the keys of runs that wait in a barrier',
    run: async (harness) => {
      const waiting = (id: string, reason: string) => {
        const run = { id, status: 'succeeded', job: { key: id, name: reason }, account: { id: '1' } };
        const trigger = { kind: 'manual', reason };
        return { job: id, source: SOURCE, provider: 'provider', finishedAt: at(0), run: { ...run, trigger } };
      };
      const runs = { a: waiting('a', 'of a'), b: waiting('b', NAME), c: waiting('c', 'of c') };
      await evaluate(harness, JSON.stringify(runs));
      await erase(harness, { runs: [{ source: SOURCE, accountId: '1', runId: 'a' }], texts: [NAME, IN_JSON] });
      const left = await evaluate(harness);
      ok(!left.includes('of a') && !left.includes(IN_JSON) && left.includes('of c'));
      const { a } = JSON.parse(left) as { a: { run: object; job: string } };
      const bare = {
        id: 'a',
        status: 'succeeded',
        account: { id: '1' },
        job: { key: 'a' },
        trigger: { kind: 'unknown' },
      };
      same([a.job, a.run], ['a', bare]);
    },
  },
  {
    title: 'messagesHolding: finds a string in bodies, headers, reasons, notes, events, attempts and tasks only',
    run: async (harness) => {
      const ids: string[] = [];
      const add = async (fields: Parameters<StoreHarness['append']>[0], recorded: object = {}): Promise<void> => {
        ids.unshift((await harness.append(fields)).id);
        await harness.record(await harness.takeMessages(), recorded);
      };
      await add({ body: Buffer.concat([Buffer.from([0, 255]), Buffer.from(NAME), Buffer.from([0])]) });
      await add({ headers: { name: NAME } });
      await add({}, { state: 'unrecognized', reason: `found ${NAME}` });
      await add({}, { notes: [{ path: NAME, expected: 'a text', found: 'null' }] });
      await add({}, { decide: () => ({ events: [harness.event({ handlerIds: [], data: JSON.stringify(NAME) })] }) });
      await add(
        {},
        {
          decide: () => ({
            events: [],
            tasks: [{ id: 't', kind: 'stuck-run', handlerId: 'h', dueAt: at(0), data: NAME }],
          }),
        },
      );
      await add({}, { decide: () => ({ events: [harness.event()] }) });
      const held = onlyOne(await harness.takeDeliveries());
      const error = { name: 'Error', message: `no ${NAME}`, stack: '' };
      const attempt = { startedAt: at(0), finishedAt: at(5), outcome: 'failed', error } as const;
      await harness.store.record([{ deliveryId: held.id, lease: held.lease, attempt, next: { state: 'dead' } }], at(5));
      await harness.append({ body: Buffer.from(NAME.toLowerCase()) });
      same((await harness.store.messagesHolding([NAME, IN_JSON], {})).items, ids);
      same((await harness.store.messagesHolding(['elsewhere'], {})).items, []);
      same((await harness.store.messagesHolding([], {})).items, []);
    },
  },
  {
    title: 'messagesHolding: searches as many messages per page as its limit, newest first',
    run: async (harness) => {
      const holding = Buffer.from(NAME);
      const last = await harness.append({ body: holding });
      for (let count = 0; count < 3; count += 1) await harness.append();
      const first = await harness.append({ body: Buffer.concat([holding, holding]) });
      const found: string[][] = [];
      let after: string | undefined;
      do {
        const page = await harness.store.messagesHolding([NAME], { limit: 2, ...(after !== undefined && { after }) });
        found.push([...page.items]);
        after = page.next;
      } while (after !== undefined);
      same(found, [[first.id], [], [last.id]]);
    },
  },
];

/** Returns the state of a barrier, after replacing it if a new state is given. */
async function evaluate(harness: StoreHarness, barrier?: string): Promise<string> {
  const tasks = [
    { id: `joins ${barrier === undefined}`, kind: 'all-runs' as const, handlerId: HANDLER, dueAt: at(0), data: '{}' },
  ];
  await harness.append();
  await harness.record(await harness.takeMessages(), { decide: () => ({ events: [], tasks }) });
  const [task] = await harness.store.claimTasks({
    now: at(0),
    leaseMs: 1,
    limit: 1,
    lease: 'l',
    handlerIds: [HANDLER],
  });
  let waiting = '';
  const decide = (known: { barrier?: string }) => {
    waiting = known.barrier ?? '';
    return { events: [], ...(barrier !== undefined && { barrier }) };
  };
  await harness.store.evaluate({ taskId: task?.id ?? '', lease: 'l', question: { barrier: HANDLER }, decide }, at(0));
  return waiting;
}
