import { randomBytes } from 'node:crypto';
import { PermanentError } from 'nestjs-runhooks/core';
import { sqliteInbox, type SqliteDriver } from 'nestjs-runhooks/sqlite';
import { ManualClock } from 'nestjs-runhooks/testing';
import { connectSqlite } from 'inside/sqlite-connection';
import { DispatchHarness, openStore, START } from '../dispatch/dispatch-harness.js';
import type { ProbeMessage } from '../dispatch/probe-provider.js';

export const HOUR = 3_600_000;

/** A registration of a running process. */
export const REGISTRATION = {
  processId: 'process',
  role: 'both',
  label: 'host 1',
  startedAt: new Date(),
  handlers: [{ id: 'of the log', version: 'of the log@1', subscriptions: '[]' }],
  lapsedBefore: new Date(0),
  abandoned: [],
  missingBefore: new Date(0),
  scope: { sources: [], handlerIds: [], taskHandlerIds: [] },
} as const;

/** Calls of a harness's handlers, and switches that change what they do. */
export interface Behavior {
  readonly ran: string[];
  isFixed: boolean;
}

export const SENT_TWICE: ProbeMessage = { id: 'twice', run: 'first', job: 'ingest' };

/** Opens an app with every kind of handler, including one that fails and one that gives up. */
export async function openApp(inbox = sqliteInbox({ path: ':memory:' }), clock = new ManualClock(START)) {
  const harness = await DispatchHarness.open({ store: await openStore(inbox), clock });
  const behavior: Behavior = { ran: [], isFixed: false };
  const note = (what: string) => void behavior.ran.push(what);
  harness.on('done', ({ id }) => note(`done ${id}`));
  harness.on(
    'retried',
    ({ id }) => {
      if (!behavior.isFixed) throw new Error(`a NUL \0, a lone surrogate \ud800, a ␛ and a duck 🦆`);
      note(`retried ${id}`);
    },
    { retry: { delayMs: HOUR, delayMsMax: HOUR } },
  );
  harness.on('given-up', ({ id }) => {
    if (!behavior.isFixed) throw new PermanentError('no');
    note(`given-up ${id}`);
  });
  harness.on('in-lanes', ({ id }) => note(`in-lanes ${id}`), {
    serialize: 'job',
    types: ['run.succeeded', 'run.started'],
  });
  harness.on('watchdog', ({ id }) => note(`watchdog ${id}`), { on: { stuck: { afterMs: HOUR } } });
  harness.on('barrier', ({ id }) => note(`barrier ${id}`), {
    on: { barrier: { jobs: ['ingest', 'transform'], withinMs: 2 * HOUR } },
  });
  return { harness, behavior };
}

/** Creates a file with rows in every table, as a closed app leaves it, and with rows that no app would write. */
export async function fillInbox(
  path: string,
  driver?: SqliteDriver,
  { messages = 20, bodyBytes = 1_024 } = {},
): Promise<void> {
  const { harness } = await openApp(sqliteInbox({ path, ...(driver && { driver }) }));
  await harness.presence.start();
  await harness.send(SENT_TWICE);
  for (let index = 0; index < messages; index++) {
    const run = `${index}`;
    await harness.send({ run, job: 'ingest', types: ['run.started'] });
    if (index % 3 > 0) await harness.send({ run, job: index % 2 ? 'ingest' : '␛job', types: OVER[index % 2]! });
  }
  for (const as of ['unrecognized', 'test', 'quarantined'] as const) await harness.send({ as });
  await harness.idle();
  await harness.send({ run: 'unread' });
  await harness.presence.stop();
  await harness.close();
  await addOddRows(path, driver, bodyBytes);
}

const OVER = [
  ['run.failed', 'run.completed'],
  ['run.succeeded', 'run.completed'],
] as const;

async function addOddRows(path: string, driver: SqliteDriver | undefined, bodyBytes: number): Promise<void> {
  const connection = await connectSqlite(path, driver);
  const text = `quotes '"\\, a duck 🦆, a ␛, an escape that is none ␛0000, ${'long '.repeat(10_000)}`;
  const bodies = [
    Buffer.alloc(0),
    Uint8Array.from({ length: 256 }, (_, byte) => byte),
    randomBytes(2 * bodyBytes),
    randomBytes(bodyBytes),
    randomBytes(bodyBytes),
  ];
  bodies.forEach((body, index) => {
    connection.all(
      `insert into messages (id, source, provider, message_key, digest, headers, body, received_at, state, message_type, reason, notes, id_reused, claims, without_handlers)
       values (?, 'gone', 'gone', ?, x'00ff', ?, ?, ?, 'quarantined', null, ?, ?, 1, 3, 1)`,
      [
        `odd_${index}`,
        text,
        JSON.stringify({ text, nul: '\0' }),
        body,
        8.64e15,
        text,
        JSON.stringify([{ path: text }]),
      ],
    );
  });
  // A driver returns this string for bytes that are not Unicode.
  connection.all(
    `insert into message_keys values ('gone', cast(x'610062' as text), x'00ff', 'odd_1'), ('gone', cast(x'61eda08062' as text), x'', 'odd_2')`,
    [],
  );
  connection.exec(
    `insert into audit (id, decided_at, action, actor, reason, details, affected)
       values ('one', 1, 'redrive', 'an operator', null, '{}', 1), ('two', 2, 'reparse', '␛', 'why', '{}', 0);
     insert into refusals values ('gone', 'signature-mismatch', 3, 1);
     insert into purged_keys values ('msg_1', 'gone', 'key', x'00ff'), ('msg_2', 'gone', '␛', x'');
     insert into series values (1, 'dbt', 'accepted', 'process', 3);
     insert into sources values ('dbt', 1);
     insert into rounds values ('dbt', 'ended', '{"page":2}', 1, 'timeout', 5, null);
     insert into cooldowns values ('cloud.getdbt.com', '1', 9);
     insert into results values ('dbt', '1', '7', 'recording', '{}', 1, null, 1, 0, 3, '{"error":1}', '["model.one"]', null);
     insert into result_nodes values ('dbt', '1', '7', 0, '[{"message":"␛"}]');
     insert into nodes values ('dbt', '{}', 'model.one', '{}', null, 3, '{"id":"␛"}', '[]');
     insert into actions (source, action_key, kind, target, state, mark, request, root_run, created_at, updated_at, sent_at, looks, due_at, lease)
       values ('dbt', 'retry 7', 'retry', '7', 'sent', 'runhooks:00', '{"steps":"␛"}', '7', 1, 2, 2, 1, 3, 'lease');
     insert into events values ('job.silent:dbt/1', 'job.silent', 'dbt', 'provider', null, 1, 2, '{}')`,
  );
  // Sequence numbers may have gaps and need not begin with 1.
  connection.exec('delete from deliveries where seq in (1, 4)');
  connection.close();
}
