import { equal } from 'node:assert/strict';
import { LIMITS, type Registration, type Role } from 'nestjs-runhooks/core';
import { at, HANDLER, LEASE_MS, MUCH_LATER, onlyOne, SOURCE, type StoreBench } from './bench.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

/** Before everything else that happens in a case. */
const NEVER = at(-1_000_000);

interface Said {
  readonly role?: Role;
  /** When the process started. */
  readonly started?: number;
  readonly at?: number;
  readonly lapsedBefore?: Date;
  readonly missingBefore?: Date;
  readonly abandoned?: Registration['abandoned'];
  readonly scope?: Registration['scope'];
  readonly clockAheadMs?: number;
}

/** A process says that it lives, and that it has these versions of handlers. */
export function register(
  bench: StoreBench,
  processId: string,
  versions: readonly string[],
  said: Said = {},
): Promise<Date | undefined> {
  const { role = 'both', started = 0, at: ms = started, lapsedBefore = NEVER, missingBefore = NEVER } = said;
  const registration: Registration = {
    processId,
    role,
    label: `host of ${processId}`,
    startedAt: at(started),
    handlers: versions.map((version) => ({ id: version.split('@')[0] ?? '', version, subscriptions: '[]' })),
    lapsedBefore,
    missingBefore,
    abandoned: said.abandoned ?? [],
    scope: said.scope ?? { sources: [], handlerIds: [], taskHandlerIds: [] },
    ...(said.clockAheadMs !== undefined && { clockAheadMs: said.clockAheadMs }),
  };
  return bench.store.register(registration, at(ms));
}

/** So much time passes, in which a process is there that tells it. */
export async function passTime(bench: StoreBench, fromMs: number, toMs: number): Promise<void> {
  for (let ms = fromMs; ms < toMs; ms += LIMITS.clockJumpMs / 2) await register(bench, 'witness', [], { at: ms });
  await register(bench, 'witness', [], { at: toMs });
  await bench.store.deregister('witness');
}

/** What a reading process that has these versions is told of the others. */
async function othersThan(bench: StoreBench, versions: readonly string[]): Promise<readonly string[] | undefined> {
  let others: readonly string[] | undefined;
  await bench.append();
  await bench.record(await bench.takeMessages({ at: MUCH_LATER }), {
    handlers: versions,
    decide: ({ otherHandlers }) => {
      others = otherHandlers;
      return { events: [] };
    },
  });
  return others;
}

export const registerCases: readonly ContractCase[] = [
  {
    title: 'register: a process is there with all it said, and as often as it says so it is there once',
    run: async (bench) => {
      const abandoned = [{ handlerId: 'a', calls: 3 }];
      same(await bench.store.processes(NEVER), []);
      await register(bench, 'late', ['b@1', 'a@1'], { role: 'receiver', started: 5 });
      await register(bench, 'early', [], { role: 'dispatcher', started: 1 });
      await register(bench, 'late', ['b@1', 'a@1', 'c@1'], {
        role: 'receiver',
        started: 5,
        at: 50,
        abandoned,
        clockAheadMs: -7_000,
      });
      same(await bench.store.processes(NEVER), [
        {
          id: 'early',
          role: 'dispatcher',
          label: 'host of early',
          startedAt: at(1),
          seenAt: at(1),
          clockAheadMs: 0,
          handlerIds: [],
          abandoned: [],
        },
        {
          id: 'late',
          role: 'receiver',
          label: 'host of late',
          startedAt: at(5),
          seenAt: at(50),
          clockAheadMs: -7_000,
          handlerIds: ['b', 'a', 'c'],
          abandoned,
        },
      ]);
    },
  },
  {
    title: 'register: who has not been heard of, or has left, is not there, and can come back',
    run: async (bench) => {
      const ids = async (ms: number) => (await bench.store.processes(at(ms))).map(({ id }) => id);
      await register(bench, 'one', ['a@1'], { at: 10 });
      await register(bench, 'two', ['a@1'], { at: 20 });
      same(await ids(10), ['one', 'two']);
      same(await ids(11), ['two']);
      await bench.store.deregister('two');
      await bench.store.deregister('nobody');
      same(await ids(0), ['one']);
      await register(bench, 'two', ['a@1'], { at: 30, lapsedBefore: at(11) });
      same(await ids(0), ['two']);
      await register(bench, 'one', ['a@1'], { at: 40 });
      same(await ids(0), ['one', 'two']);
    },
  },
  {
    title: 'register: answers when the next work is due, as nextDueAt does',
    run: async (bench) => {
      const scope = { sources: [SOURCE], handlerIds: [HANDLER], taskHandlerIds: [] };
      equal(await register(bench, 'one', [], { scope }), undefined);
      await bench.append({ receivedAt: at(7) });
      await bench.takeMessages({ at: 7 });
      same(await register(bench, 'one', [], { scope }), at(7 + LEASE_MS));
      equal(await register(bench, 'one', []), undefined);
    },
  },
  {
    title: 'register: a reading is told of registered handlers that its process does not have, and of nothing else',
    run: async (bench) => {
      equal(await othersThan(bench, []), undefined);
      await register(bench, 'new', ['b@1', 'a@1', 'c@2']);
      same(await othersThan(bench, ['a@1', 'c@1', 'd@1']), ['b@1', 'c@2']);
      equal(await othersThan(bench, ['c@2', 'a@1', 'b@1']), undefined);
      await bench.store.deregister('new');
      same(await othersThan(bench, ['a@1']), ['b@1', 'c@2']);
    },
  },
  {
    title: 'register: of two versions of a handler that of the process which started last stays',
    run: async (bench) => {
      await register(bench, 'old', ['a@old'], { started: 1 });
      await register(bench, 'new', ['a@new'], { started: 2 });
      await register(bench, 'old', ['a@old'], { started: 1, at: 30 });
      same(await othersThan(bench, []), ['a@new']);
      await register(bench, 'older', ['a@older'], { started: 0, at: 40 });
      same(await othersThan(bench, []), ['a@new']);
      await register(bench, 'rolled back', ['a@old'], { started: 50 });
      same(await othersThan(bench, []), ['a@old']);
    },
  },
  {
    title: 'register: a handler that no process has had for long is forgotten, one that a process has is not',
    run: async (bench) => {
      await register(bench, 'gone', ['removed@1', 'kept@1']);
      const later = 2 * LIMITS.handlerSeenMs;
      await passTime(bench, 0, later);
      await register(bench, 'here', ['kept@1'], { at: later, missingBefore: at(0) });
      same(await othersThan(bench, []), ['kept@1', 'removed@1']);
      await register(bench, 'here', ['kept@1'], { at: later, missingBefore: at(1) });
      same(await othersThan(bench, []), ['kept@1']);
    },
  },
  {
    title: 'register: no handler is forgotten for its age within a day after the time jumped, on or back',
    run: async (bench) => {
      const forget = (ms: number) => register(bench, 'here', [], { at: ms, missingBefore: at(ms) });
      await register(bench, 'gone', ['kept@1']);
      await forget(LIMITS.clockJumpMs + 1);
      await forget(0);
      same(await othersThan(bench, []), ['kept@1']);
      await passTime(bench, 0, LIMITS.purgeBrakeMs - 1);
      await forget(LIMITS.purgeBrakeMs - 1);
      same(await othersThan(bench, []), ['kept@1']);
      await forget(LIMITS.purgeBrakeMs);
      equal(await othersThan(bench, []), undefined);
    },
  },
  {
    title:
      'register: a process that was heard of at a time that has not come is gone, and its handlers are older than others',
    run: async (bench) => {
      const ids = async () => (await bench.store.processes(NEVER)).map(({ id }) => id);
      await register(bench, 'ahead', ['a@ahead', 'b@ahead'], { started: MUCH_LATER });
      await register(bench, 'right', ['a@right'], { started: 5, lapsedBefore: at(0) });
      same(await ids(), ['right']);
      same(await othersThan(bench, []), ['a@right', 'b@ahead']);
      await passTime(bench, 5, LIMITS.purgeBrakeMs + 5);
      const now = LIMITS.purgeBrakeMs + 5;
      await register(bench, 'right', ['a@right'], { started: 5, at: now, missingBefore: at(6) });
      same(await othersThan(bench, []), ['a@right']);
    },
  },
  {
    title: 'register: many processes at once, with the same handlers in any order, all succeed',
    run: async (bench) => {
      const versions = ['a@1', 'b@1', 'c@1', 'd@1'];
      const processes = Array.from({ length: 20 }, (_, index) => `process-${index}`);
      await Promise.all(
        processes.map((id, index) =>
          register(bench, id, index % 2 ? versions : [...versions].reverse(), { started: index }),
        ),
      );
      equal((await bench.store.processes(NEVER)).length, 20);
      same(await othersThan(bench, []), versions);
    },
  },
  {
    title: 'unattended: pending deliveries and tasks of handlers that no living dispatcher has, by handler',
    run: async (bench) => {
      const handlerIds = ['attended', 'renamed', 'removed'];
      const tasks = ['watched', 'removed', 'attended@1', 'attended@2', 'renamed@1'].map((handlerId) => {
        return { id: `task of ${handlerId}`, handlerId, dueAt: at(0), data: '{}' };
      });
      same(await bench.store.unattended(NEVER), []);
      await bench.readInto(bench.event({ handlerIds }));
      await bench.append();
      const decide = () => ({ events: [bench.event({ handlerIds: ['removed'] })], tasks });
      await bench.record(await bench.takeMessages(), { decide });
      await register(bench, 'one', ['attended@1', 'elsewhere@1'], { at: 10 });
      await register(bench, 'receiver', ['removed@1'], { role: 'receiver', at: 10 });
      const waiting = [
        { handlerId: 'attended', deliveries: 0, tasks: 1 },
        { handlerId: 'removed', deliveries: 2, tasks: 1 },
        { handlerId: 'renamed', deliveries: 1, tasks: 1 },
        { handlerId: 'watched', deliveries: 0, tasks: 1 },
      ];
      same(await bench.store.unattended(at(10)), waiting);
      await bench.settle(onlyOne(await bench.takeDeliveries({ handlerIds: ['renamed'] })), { state: 'dead' });
      const [first, removed, , watched] = waiting;
      same(await bench.store.unattended(at(10)), [first, removed, { ...waiting[2], deliveries: 0 }, watched]);
      same(await bench.store.unattended(at(11)), [
        { handlerId: 'attended', deliveries: 1, tasks: 2 },
        removed,
        { ...waiting[2], deliveries: 0 },
        watched,
      ]);
    },
  },
];
