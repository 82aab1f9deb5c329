import { equal } from 'node:assert/strict';
import type { Registration, Role } from 'nestjs-runhooks/core';
import { PORT_LIMITS } from '../../limits.js';
import { at, HANDLER, LEASE_MS, MUCH_LATER, onlyOne, SOURCE, type StoreHarness } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';

/** A time before all others of the contract. */
const NEVER = at(-1_000_000);

interface RegisterFields {
  readonly role?: Role;
  /** Start of the process. */
  readonly started?: number;
  readonly at?: number;
  readonly lapsedBefore?: Date;
  readonly missingBefore?: Date;
  readonly abandoned?: Registration['abandoned'];
  readonly scope?: Registration['scope'];
  readonly clockAheadMs?: number;
  /** Where the process runs, the lease of its own work, and which processes are gone. */
  readonly place?: Pick<Registration, 'host' | 'pid' | 'lease' | 'isGone'>;
}

/** Registers a process with versions of handlers. */
export function register(
  harness: StoreHarness,
  processId: string,
  versions: readonly string[],
  fields: RegisterFields = {},
): Promise<Date | undefined> {
  const { role = 'both', started = 0, at: ms = started, lapsedBefore = NEVER, missingBefore = NEVER } = fields;
  const registration: Registration = {
    processId,
    role,
    label: `host of ${processId}`,
    startedAt: at(started),
    handlers: versions.map((version) => ({ id: version.split('@')[0] ?? '', version, subscriptions: '[]' })),
    lapsedBefore,
    missingBefore,
    abandoned: fields.abandoned ?? [],
    scope: fields.scope ?? { sources: [], handlerIds: [], taskHandlerIds: [] },
    ...fields.place,
    ...(fields.clockAheadMs !== undefined && { clockAheadMs: fields.clockAheadMs }),
  };
  return harness.store.register(registration, at(ms));
}

/** Lets time pass, during which a process sends heartbeats. */
export async function passTime(harness: StoreHarness, fromMs: number, toMs: number): Promise<void> {
  for (let ms = fromMs; ms < toMs; ms += PORT_LIMITS.clockJumpMs / 2)
    await register(harness, 'witness', [], { at: ms });
  await register(harness, 'witness', [], { at: toMs });
  await harness.store.deregister('witness');
}

/** Returns the versions that `decide` gets if the parsing process has `versions`. */
async function othersThan(harness: StoreHarness, versions: readonly string[]): Promise<readonly string[] | undefined> {
  let others: readonly string[] | undefined;
  await harness.append();
  await harness.record(await harness.takeMessages({ at: MUCH_LATER }), {
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
    title: 'register: lists a process once with all its fields, however often it registers',
    run: async (harness) => {
      const abandoned = [{ handlerId: 'a', calls: 3 }];
      same(await harness.store.processes(NEVER), []);
      await register(harness, 'late', ['b@1', 'a@1'], { role: 'receiver', started: 5 });
      await register(harness, 'early', [], { role: 'worker', started: 1 });
      await register(harness, 'late', ['b@1', 'a@1', 'c@1'], {
        role: 'receiver',
        started: 5,
        at: 50,
        abandoned,
        clockAheadMs: -7_000,
      });
      same(await harness.store.processes(NEVER), [
        {
          id: 'early',
          role: 'worker',
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
    title: 'register: lists no process without heartbeats or after deregister, until it registers again',
    run: async (harness) => {
      const ids = async (ms: number) => (await harness.store.processes(at(ms))).map(({ id }) => id);
      await register(harness, 'one', ['a@1'], { at: 10 });
      await register(harness, 'two', ['a@1'], { at: 20 });
      same(await ids(10), ['one', 'two']);
      same(await ids(11), ['two']);
      await harness.store.deregister('two');
      await harness.store.deregister('unknown');
      same(await ids(0), ['one']);
      await register(harness, 'two', ['a@1'], { at: 30, lapsedBefore: at(11) });
      same(await ids(0), ['two']);
      await register(harness, 'one', ['a@1'], { at: 40 });
      same(await ids(0), ['one', 'two']);
    },
  },
  {
    title: 'register: returns when the next work is due, as nextDueAt does',
    run: async (harness) => {
      const scope = { sources: [SOURCE], handlerIds: [HANDLER], taskHandlerIds: [] };
      equal(await register(harness, 'one', [], { scope }), undefined);
      await harness.append({ receivedAt: at(7) });
      await harness.takeMessages({ at: 7 });
      same(await register(harness, 'one', [], { scope }), at(7 + LEASE_MS));
      equal(await register(harness, 'one', []), undefined);
    },
  },
  {
    title: 'register: passes only registered handlers that the parsing process lacks to `decide`',
    run: async (harness) => {
      equal(await othersThan(harness, []), undefined);
      await register(harness, 'new', ['b@1', 'a@1', 'c@2']);
      same(await othersThan(harness, ['a@1', 'c@1', 'd@1']), ['b@1', 'c@2']);
      equal(await othersThan(harness, ['c@2', 'a@1', 'b@1']), undefined);
      await harness.store.deregister('new');
      same(await othersThan(harness, ['a@1']), ['b@1', 'c@2']);
    },
  },
  {
    title: 'register: keeps the version of a handler from the most recently started process',
    run: async (harness) => {
      await register(harness, 'old', ['a@old'], { started: 1 });
      await register(harness, 'new', ['a@new'], { started: 2 });
      await register(harness, 'old', ['a@old'], { started: 1, at: 30 });
      same(await othersThan(harness, []), ['a@new']);
      await register(harness, 'older', ['a@older'], { started: 0, at: 40 });
      same(await othersThan(harness, []), ['a@new']);
      await register(harness, 'rolled back', ['a@old'], { started: 50 });
      same(await othersThan(harness, []), ['a@old']);
    },
  },
  {
    title: 'register: removes a handler that no process has had for long, and keeps others',
    run: async (harness) => {
      await register(harness, 'stopped', ['removed@1', 'kept@1']);
      const later = 2 * PORT_LIMITS.handlerSeenMs;
      await passTime(harness, 0, later);
      await register(harness, 'here', ['kept@1'], { at: later, missingBefore: at(0) });
      same(await othersThan(harness, []), ['kept@1', 'removed@1']);
      await register(harness, 'here', ['kept@1'], { at: later, missingBefore: at(1) });
      same(await othersThan(harness, []), ['kept@1']);
    },
  },
  {
    title: 'register: removes no old handler within a day after time jumped forward or back',
    run: async (harness) => {
      const forget = (ms: number) => register(harness, 'here', [], { at: ms, missingBefore: at(ms) });
      await register(harness, 'stopped', ['kept@1']);
      await forget(PORT_LIMITS.clockJumpMs + 1);
      await forget(0);
      same(await othersThan(harness, []), ['kept@1']);
      await passTime(harness, 0, PORT_LIMITS.purgeBrakeMs - 1);
      await forget(PORT_LIMITS.purgeBrakeMs - 1);
      same(await othersThan(harness, []), ['kept@1']);
      await forget(PORT_LIMITS.purgeBrakeMs);
      equal(await othersThan(harness, []), undefined);
    },
  },
  {
    title: 'register: ignores processes with a heartbeat in the future, and treats their handlers as the oldest',
    run: async (harness) => {
      const ids = async () => (await harness.store.processes(NEVER)).map(({ id }) => id);
      await register(harness, 'ahead', ['a@ahead', 'b@ahead'], { started: MUCH_LATER });
      await register(harness, 'right', ['a@right'], { started: 5, lapsedBefore: at(0) });
      same(await ids(), ['right']);
      same(await othersThan(harness, []), ['a@right', 'b@ahead']);
      await passTime(harness, 5, PORT_LIMITS.purgeBrakeMs + 5);
      const now = PORT_LIMITS.purgeBrakeMs + 5;
      await register(harness, 'right', ['a@right'], { started: 5, at: now, missingBefore: at(6) });
      same(await othersThan(harness, []), ['a@right']);
    },
  },
  {
    title: 'register: succeeds for many concurrent processes with the same handlers in any order',
    run: async (harness) => {
      const versions = ['a@1', 'b@1', 'c@1', 'd@1'];
      const processes = Array.from({ length: 20 }, (_, index) => `process-${index}`);
      await Promise.all(
        processes.map((id, index) =>
          register(harness, id, index % 2 ? versions : [...versions].reverse(), { started: index }),
        ),
      );
      equal((await harness.store.processes(NEVER)).length, 20);
      same(await othersThan(harness, []), versions);
    },
  },
  {
    title: 'missingHandlers: lists handlers that no running worker has, with their pending deliveries and tasks',
    run: async (harness) => {
      const handlerIds = ['attended', 'renamed', 'removed'];
      const tasks = ['watched', 'removed', 'attended@1', 'attended@2', 'renamed@1'].map((handlerId) => {
        return { id: `task of ${handlerId}`, kind: 'hand-off' as const, handlerId, dueAt: at(0), data: '{}' };
      });
      same(await harness.store.missingHandlers(NEVER), []);
      await harness.recordEvent(harness.event({ handlerIds }));
      await harness.append();
      const decide = () => ({ events: [harness.event({ handlerIds: ['removed'] })], tasks });
      await harness.record(await harness.takeMessages(), { decide });
      await register(harness, 'one', ['attended@1', 'elsewhere@1'], { at: 10 });
      await register(harness, 'receiver', ['removed@1'], { role: 'receiver', at: 10 });
      const waiting = [
        { handlerId: 'attended', deliveries: 0, checks: 1 },
        { handlerId: 'removed', deliveries: 2, checks: 1 },
        { handlerId: 'renamed', deliveries: 1, checks: 1 },
        { handlerId: 'watched', deliveries: 0, checks: 1 },
      ];
      same(await harness.store.missingHandlers(at(10)), waiting);
      await harness.settle(onlyOne(await harness.takeDeliveries({ handlerIds: ['renamed'] })), { state: 'dead' });
      const [first, removed, , watched] = waiting;
      same(await harness.store.missingHandlers(at(10)), [first, removed, { ...waiting[2], deliveries: 0 }, watched]);
      same(await harness.store.missingHandlers(at(11)), [
        { handlerId: 'attended', deliveries: 1, checks: 2 },
        removed,
        { ...waiting[2], deliveries: 0 },
        watched,
      ]);
    },
  },
];
