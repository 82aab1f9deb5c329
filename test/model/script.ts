import fc from 'fast-check';
import type { MessageState, Role, RunSignalType } from 'nestjs-runhooks/core';

export const SOURCES = ['dbt', 'paradime'] as const;
/** Each handler runs as its name says; `dead` handles dead letters. */
export const HANDLERS = ['free', 'by-run', 'by-job', 'dead'] as const;

export const SECOND = 1_000;
export const HOUR = 3_600 * SECOND;
export const DAY = 24 * HOUR;
export const LEASE_MS = 30 * SECOND;

/** The parse result of a message. All runs belong to one job. */
export interface ParsePlan {
  readonly state: Exclude<MessageState, 'stored' | 'erased'>;
  readonly run: number;
  readonly reports: readonly RunSignalType[];
  /** True if the message is an event itself. */
  readonly isEvent: boolean;
  readonly handlers: readonly string[];
  /** Handler versions of the parsing process. Without them it does not query for other handlers. */
  readonly knows?: readonly string[];
}

export const PROCESSES = ['p', 'q'] as const;
/** Versions of each handler. */
const VERSIONS = [1, 2] as const;

/**
 * Index of a candidate, counted from the newest and modulo their number. Without a candidate the command does nothing.
 */
type Choice = number;

/** One command of a script. */
export type Command =
  | { readonly do: 'append'; readonly source: string; readonly key: string; readonly body: number }
  | { readonly do: 'claim messages'; readonly sources: readonly string[]; readonly limit: number }
  | {
      readonly do: 'record';
      readonly claim: Choice;
      readonly plans: readonly ParsePlan[];
      readonly lease: 'own' | 'wrong';
      /** The message whose decision throws. */
      readonly poison?: number;
    }
  | { readonly do: 'claim deliveries'; readonly handlers: readonly string[]; readonly limit: number }
  | { readonly do: 'renew'; readonly held: readonly Choice[]; readonly lease: 'own' | 'wrong' }
  | {
      readonly do: 'settle';
      readonly held: Choice;
      readonly as: 'succeeded' | 'skipped' | 'dead' | 'dead, reported' | number;
      readonly lease: 'own' | 'wrong';
    }
  | { readonly do: 'clock'; readonly ms: number }
  | {
      readonly do: 'register';
      readonly process: string;
      /** True for a new replay under the id of an old one. */
      readonly isNew: boolean;
      readonly role: Role;
      readonly handlers: readonly string[];
      readonly version: number;
      readonly lapsedMs: number;
      readonly missingMs: number;
    }
  | { readonly do: 'deregister'; readonly process: string }
  | { readonly do: 'dismiss'; readonly ids?: readonly Choice[]; readonly handler?: string }
  | { readonly do: 'erase'; readonly messages: readonly Choice[] }
  /** Sends the following commands to the other of two processes on the same file. */
  | { readonly do: 'other process' }
  | { readonly do: 'crash'; readonly by: 'kill' | 'kill while writing' | 'close' }
  | {
      readonly do: 'purge';
      readonly finishedMs: number;
      readonly deadMs: number;
      readonly deduplicationMs: number;
      readonly limit: number;
    }
  | { readonly do: 'redrive'; readonly what: 'all' | readonly Choice[] | { readonly handler: string } }
  | {
      readonly do: 'replay';
      readonly id: string;
      readonly events: readonly Choice[];
      readonly handlers: readonly string[];
    }
  | {
      readonly do: 'reparse';
      readonly states: readonly ('test' | 'unrecognized' | 'quarantined')[];
      readonly messages: 'all' | readonly Choice[];
      readonly withoutHandlers: boolean;
    };

/** Commands in one element run at the same time and so share a commit. */
export type Script = readonly (readonly Command[])[];

const choice = fc.nat({ max: 5 });
const lease = fc.constantFrom('own', 'own', 'own', 'wrong' as const);
const sources = fc.subarray([...SOURCES], { minLength: 1 });
const handlers = fc.subarray([...HANDLERS]);
const mostHandlers = fc.oneof({ weight: 2, arbitrary: fc.constant([...HANDLERS]) }, { weight: 1, arbitrary: handlers });

const reports = fc.constantFrom<readonly RunSignalType[]>(
  ['run.started'],
  ['run.succeeded', 'run.completed'],
  ['run.failed'],
  ['run.failed', 'run.completed'],
  ['run.canceled', 'run.completed'],
);
const versions = HANDLERS.flatMap((id) => VERSIONS.map((version) => `${id}@${version}`));
const plan: fc.Arbitrary<ParsePlan> = fc.record({
  knows: fc.subarray(versions),
  state: fc.constantFrom('parsed', 'parsed', 'parsed', 'unrecognized', 'quarantined', 'test' as const),
  run: fc.nat({ max: 1 }),
  reports,
  isEvent: fc.boolean(),
  handlers: mostHandlers,
});
const age = fc.constantFrom(0, 40 * SECOND, HOUR, DAY);

const append = fc.record({
  do: fc.constant('append' as const),
  source: fc.constantFrom('dbt', 'dbt', 'paradime'),
  key: fc.constantFrom('', 'a', 'b'),
  body: fc.nat({ max: 3 }),
});
const claimMessages = fc.record({
  do: fc.constant('claim messages' as const),
  sources,
  limit: fc.integer({ min: 1, max: 5 }),
});
const record = fc.record(
  {
    do: fc.constant('record' as const),
    claim: fc.nat({ max: 2 }),
    plans: fc.array(plan, { minLength: 1, maxLength: 4 }),
    lease,
    poison: fc.nat({ max: 9 }),
  },
  { requiredKeys: ['do', 'claim', 'plans', 'lease'] },
);
const claimDeliveries = fc.record({
  do: fc.constant('claim deliveries' as const),
  handlers: mostHandlers,
  limit: fc.integer({ min: 1, max: 5 }),
});
const renew = fc.record({ do: fc.constant('renew' as const), held: fc.array(choice, { maxLength: 4 }), lease });
const settle = fc.record({
  do: fc.constant('settle' as const),
  held: choice,
  as: fc.oneof(
    fc.constantFrom('succeeded', 'skipped', 'dead', 'dead', 'dead, reported', 'dead, reported' as const),
    fc.constantFrom(0, SECOND, 40 * SECOND, HOUR),
  ),
  lease,
});
const clock = fc.record({
  do: fc.constant('clock' as const),
  ms: fc.constantFrom(1, SECOND, LEASE_MS, LEASE_MS + 1, HOUR, DAY, -SECOND, -HOUR),
});
const crash = fc.record({
  do: fc.constant('crash' as const),
  by: fc.constantFrom('kill', 'kill while writing', 'close' as const),
});
const purge = fc
  .record({
    do: fc.constant('purge' as const),
    finishedMs: age,
    deadMs: age,
    deduplicationMs: age,
    limit: fc.integer({ min: 1, max: 4 }),
  })
  .map((one) => ({ ...one, deadMs: Math.max(one.finishedMs, one.deadMs) }));
const redrive = fc.record({
  do: fc.constant('redrive' as const),
  what: fc.oneof(
    fc.constant('all' as const),
    fc.array(choice, { maxLength: 2 }),
    fc.record({ handler: fc.constantFrom(...HANDLERS) }),
  ),
});
const register = fc.record({
  do: fc.constant('register' as const),
  process: fc.constantFrom(...PROCESSES),
  isNew: fc.boolean(),
  role: fc.constantFrom('receiver', 'worker', 'both' as const),
  handlers,
  version: fc.constantFrom(...VERSIONS),
  lapsedMs: age,
  missingMs: age,
});
const deregister = fc.record({ do: fc.constant('deregister' as const), process: fc.constantFrom(...PROCESSES) });
const dismiss = fc.oneof(
  fc.record({ do: fc.constant('dismiss' as const), ids: fc.array(choice, { maxLength: 3 }) }),
  fc.record({ do: fc.constant('dismiss' as const), handler: fc.constantFrom(...HANDLERS) }),
  fc.record({
    do: fc.constant('dismiss' as const),
    ids: fc.array(choice, { maxLength: 5 }),
    handler: fc.constantFrom(...HANDLERS),
  }),
);
const replay = fc.record({
  do: fc.constant('replay' as const),
  id: fc.constantFrom('r1', 'r2'),
  events: fc.array(choice, { maxLength: 3 }),
  handlers,
});
const reparse = fc.record({
  do: fc.constant('reparse' as const),
  states: fc.subarray(['test', 'unrecognized', 'quarantined'] as const),
  messages: fc.oneof(fc.constant('all' as const), fc.array(choice, { maxLength: 3 })),
  withoutHandlers: fc.boolean(),
});

const erase = fc.record({ do: fc.constant('erase' as const), messages: fc.array(choice, { maxLength: 2 }) });

const write = fc.oneof(
  { weight: 5, arbitrary: append },
  { weight: 4, arbitrary: claimMessages },
  { weight: 5, arbitrary: record },
  { weight: 5, arbitrary: claimDeliveries },
  { weight: 6, arbitrary: settle },
  { weight: 1, arbitrary: renew },
  { weight: 2, arbitrary: redrive },
  { weight: 2, arbitrary: replay },
  { weight: 1, arbitrary: reparse },
  { weight: 2, arbitrary: register },
  { weight: 1, arbitrary: deregister },
  { weight: 2, arbitrary: dismiss },
  { weight: 1, arbitrary: erase },
);
const alone = fc.oneof(
  { weight: 3, arbitrary: clock },
  { weight: 1, arbitrary: crash },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('other process' as const) }) },
  { weight: 1, arbitrary: purge },
);

/** Calls of the store run alone or together; the other commands change its environment. */
const lines = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.tuple<Command[]>(write) },
    { weight: 1, arbitrary: fc.array<Command>(write, { minLength: 2, maxLength: 4 }) },
    { weight: 2, arbitrary: fc.tuple<Command[]>(alone) },
  ),
  { maxLength: 50, size: 'max' },
);

/** Commands that lead to claimed deliveries, from which more states can be reached. Each command may be left out. */
const opening = fc
  .tuple(
    line(append),
    line(append),
    line(fc.constant<Command>({ do: 'claim messages', sources: SOURCES, limit: 5 })),
    line(record.map((one): Command => ({ ...one, lease: 'own' }))),
    line(fc.constant<Command>({ do: 'claim deliveries', handlers: HANDLERS, limit: 5 })),
  )
  .map((commands) => commands.flatMap((one) => (one === null ? [] : [[one]])));

function line(command: fc.Arbitrary<Command>): fc.Arbitrary<Command | null> {
  return fc.option(command, { freq: 20 });
}

export const script: fc.Arbitrary<Script> = fc.tuple(opening, lines).map((parts) => parts.flat());
