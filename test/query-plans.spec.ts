import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rowsOf, type Logger, type Store } from 'nestjs-runhooks/core';
import { connectSqlite, type SqliteConnection } from 'inside/sqlite-connection';
import { SqliteStore } from 'inside/sqlite-store';
import { claim, HOT, newMessage, NOW, OPEN_EVERY, ROWS, START_MS } from './hot-steps.js';
import { decided } from './decided.js';
import { LISTS } from './list-steps.js';

const SILENT: Logger = { debug: () => {}, log: () => {}, warn: () => {}, error: () => {} };

interface Recorded {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/** An inbox that remembers the statements it runs. */
class RecordedInbox {
  readonly store: Store;
  readonly #statements: Recorded[] = [];
  #connection: SqliteConnection | undefined;

  constructor() {
    this.store = new SqliteStore({ path: ':memory:' }, SILENT, async (file, driver) => {
      const connection = await connectSqlite(file, driver);
      this.#connection = connection;
      return {
        ...connection,
        all: (sql, parameters) => {
          this.#statements.push({ sql, parameters });
          return connection.all(sql, parameters);
        },
        change: (sql, parameters) => {
          this.#statements.push({ sql, parameters });
          return connection.change(sql, parameters);
        },
      };
    });
  }

  all(sql: string, parameters: readonly unknown[] = []): unknown[] {
    return this.#connection?.all(sql, parameters) ?? [];
  }

  /** Returns the statements that the step runs. */
  async statementsOf(step: (store: Store) => Promise<unknown>): Promise<readonly Recorded[]> {
    this.#statements.length = 0;
    await step(this.store);
    return [...this.#statements];
  }

  /** Returns the query plan of each statement that the step runs, as one string of lines. */
  async plansOf(step: (store: Store) => Promise<unknown>): Promise<string[]> {
    return (await this.statementsOf(step)).map(({ sql, parameters }) =>
      (this.all(`explain query plan ${sql}`, parameters) as { detail: string }[])
        .map(({ detail }) => detail)
        .join('\n'),
    );
  }
}

const KINDS = ['messages.parsed', 'events', 'deliveries.succeeded'];

/** Matches a look at rows that are few however large the inbox is: unfinished ones, those in rare states, and totals. */
const LOOK_AT_FEW =
  / USING (?:(?:COVERING )?INDEX \w+_due$|COVERING INDEX \w+_rare \(state=\?\)$|PRIMARY KEY \(minute=\?\)$)/;

/** Fills an inbox like one that has run for months, in which nearly all work is finished. */
async function grow(inbox: RecordedInbox, isAnalyzed: boolean): Promise<void> {
  await inbox.store.open();
  const numbers = `with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ${ROWS})`;
  const id = `printf('msg_%012x0000%016x', ${START_MS} + n * 1000, n)`;
  const dueAt = `iif(n % ${OPEN_EVERY} = 0, ${START_MS} + n * 1000, null)`;
  for (const insert of [
    `insert into message_keys ${numbers} select 'dbt', 'key-' || n, randomblob(32), ${id} from numbers`,
    `insert into purged_keys ${numbers} select printf('msg_%012x0000%016x', n, n), 'dbt', 'old-' || n, randomblob(32) from numbers`,
    `insert into messages (id, source, provider, message_key, digest, headers, body, received_at, state, id_reused, claims, without_handlers, due_at)
     ${numbers} select ${id}, 'dbt', 'dbt-cloud', 'key-' || n, x'', '{}', '{}', ${START_MS} + n * 1000,
     iif(n % ${OPEN_EVERY} = 0, 'stored', 'parsed'), 0, 1, 0, ${dueAt} from numbers`,
    `insert into runs (source, account_id, run_id, job_key, outcome, contradicted, types, updated_at)
     ${numbers} select 'dbt', '1', n, 'job-' || n % 50, iif(n % 20 = 0, 'failed', 'succeeded'), 0, '[]', ${START_MS} + n * 1000 from numbers`,
    `insert into events (id, type, source, provider, message_id, occurred_at, recorded_at, data)
     ${numbers} select 'run.failed:dbt/1/' || n, 'run.failed', 'dbt', 'dbt-cloud', ${id}, 0, ${START_MS} + n * 1000, '{}' from numbers`,
    `insert into deliveries (id, event_id, handler_id, source, replay_id, lane, in_lane, state, attempts, attempts_before, due_at)
     ${numbers} select printf('dlv_%012x0000%016x', n, n), 'run.failed:dbt/1/' || n, iif(n % 1000 = 0, 'laned', 'plain'), 'dbt', '',
     iif(n % 1000 = 0, 'laned job-' || n % 7, null), iif(n % 1000 = 0, 1, 0), iif(n % ${OPEN_EVERY} = 0, 'pending', 'succeeded'), 1, 0, ${dueAt} from numbers`,
    `insert into attempts (delivery_id, attempt, started_at, finished_at, outcome)
     ${numbers} select printf('dlv_%012x0000%016x', n, n), 1, 0, 0, 'succeeded' from numbers`,
    ...['messages where due_at is null', 'events', `deliveries where state = 'succeeded'`].flatMap((rows, kind) => [
      `insert into series select 0, 'dbt', '${KINDS[kind]}', '', count(*) from ${rows}`,
      `insert into series ${numbers} select ${START_MS} / 60000 + n, 'dbt', '${KINDS[kind]}', iif(n % 1000 = 0, 'process', ''), 60 from numbers`,
    ]),
    `insert into jobs (source, job_key, updated_at)
     ${numbers} select 'dbt', 'job-' || n, ${START_MS} + n * 1000 from numbers`,
    `insert into results (source, account_id, run_id, state, scope, finished_at, failing, recorded, updated_at, good)
     ${numbers} select 'dbt', '1', n, iif(n % 200 = 0, 'unread', 'recorded'), printf('{"accountId":"%d"}', n % 50), ${START_MS} + n * 1000,
     0, 0, ${START_MS} + n * 1000, iif(n > ${ROWS / 2}, '["model.one"]', null) from numbers where n % 10 = 0`,
    `insert into result_nodes (source, account_id, run_id, part, nodes)
     ${numbers} select 'dbt', '1', n, 0, '[]' from numbers where n % 100 = 0`,
    `insert into nodes (source, scope, node_id, place, observed_at, incident, history)
     ${numbers} select 'dbt', printf('{"accountId":"%d"}', n % 50), 'model.' || n, printf('{"accountId":"%d"}', n % 50),
     ${START_MS} + n * 1000, iif(n % ${OPEN_EVERY} = 0, '{}', null), '[]' from numbers where n % 10 = 0`,
    `insert into actions (source, action_key, kind, target, account_id, state, mark, request, new_run, root_run, asked_source, asked_account, asked_run, created_at, updated_at)
     ${numbers} select 'dbt', 'action ' || n, 'retry', n, '1', iif(n % ${OPEN_EVERY} = 0, 'unknown', 'answered'), 'runhooks:' || n, '{}',
     'run ' || n, n, 'dbt', '1', n, ${START_MS} + n * 1000, ${START_MS} + n * 1000 from numbers where n % 10 = 0`,
    `insert into handlers (id, version, subscriptions, since, seen_at)
     with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < 30)
     select 'handler-' || n, 'handler-' || n || '@1', '[]', 0, ${START_MS} from numbers`,
    `insert into tasks (id, kind, handler_id, source, provider, message_id, data, claims, due_at)
     ${numbers} select 'task-' || n, 'hand-off', 'plain', 'dbt', 'dbt-cloud', ${id}, '{}', 0, ${START_MS} + n * 1000 from numbers`,
  ]) {
    inbox.all(insert);
  }
  if (isAnalyzed) inbox.all('analyze');
}

/**
 * Matches a scan of a whole table. Indices of due work contain only unfinished work, that of the series contains only rows that
 * are not folded yet, and there are few handlers and processes. A skip scan steps from one value of an index to the next.
 */
const FULL_SCAN =
  /^SCAN (?!(?:CONSTANT ROW|json_each|listed|walk|handlers|processes|clock)\b)(?!.* USING (?:COVERING )?INDEX (?:\w+_due|series_process)$)/m;

/** Matches a scan of a whole table in no order. In the order of the list, it ends once the page is full. */
const UNORDERED_SCAN =
  /^SCAN (?!(?:CONSTANT ROW|json_each|listed|walk|handlers|processes|tasks|audit)\b)(?!.* USING (?:COVERING )?INDEX)/m;

describe.each([
  { statistics: 'without statistics, because an inbox is never analyzed', isAnalyzed: false },
  { statistics: 'with statistics', isAnalyzed: true },
])(`the plans of an inbox of ${ROWS} messages, $statistics`, ({ isAnalyzed }) => {
  const inbox = new RecordedInbox();

  beforeAll(() => grow(inbox, isAnalyzed));
  afterAll(() => inbox.store.close());

  it.each(HOT)('use an index and scan no whole table: $title', async ({ step, indices }) => {
    const plans = await inbox.plansOf(step);
    expect(plans.length).toBeGreaterThanOrEqual(1);
    expect(plans.filter((plan) => FULL_SCAN.test(plan))).toEqual([]);
    for (const index of indices) expect(plans.join('\n')).toContain(index);
  });

  it.each(LISTS)('list without reading a whole table or sorting it: $title', async ({ step, indices }) => {
    const plans = await inbox.plansOf(step);
    expect(plans.filter((plan) => UNORDERED_SCAN.test(plan))).toEqual([]);
    for (const index of indices) expect(plans.join('\n')).toContain(index);
  });

  it('count finished work by its totals, and all other work with indices that contain nothing else', async () => {
    const [plan = ''] = await inbox.plansOf((store) => store.counts());
    const looks = plan.split('\n').filter((line) => /^(?:SCAN|SEARCH) (?!CONSTANT ROW)/.test(line));
    expect(looks.filter((line) => !LOOK_AT_FEW.test(line))).toEqual([]);
    expect(looks).toHaveLength(18);
  });
});

describe('query plans of lists', () => {
  const inbox = new RecordedInbox();
  beforeAll(() => inbox.store.open());
  afterAll(() => inbox.store.close());

  it.each([
    ['messages', 'test'],
    ['messages', 'unknown'],
    ['messages', 'quarantined'],
    ['deliveries', 'skipped'],
    ['deliveries', 'dead'],
    ['deliveries', 'dismissed'],
  ] as const)('list %s that are %s with an index', async (what, state) => {
    const [plan] = await inbox.plansOf((store) => store[what]({ state: state as never }, {}));
    expect(plan).toBe(`SEARCH ${what} USING INDEX ${what}_rare (state=?)`);
  });

  it('find dead letters with an index, to redrive or to dismiss them', async () => {
    const redrive = await inbox.plansOf((store) => store.redrive({}, decided(), NOW));
    const dismiss = await inbox.plansOf((store) => store.dismiss({}, decided(), NOW));
    for (const plans of [redrive, dismiss]) {
      expect(plans).toContainEqual(expect.stringContaining('deliveries_rare (state=?)'));
      expect(plans.filter((plan) => FULL_SCAN.test(plan))).toEqual([]);
    }
  });
});

describe('the test of the query plans', () => {
  it('detects a missing index', async () => {
    const inbox = new RecordedInbox();
    await inbox.store.open();
    inbox.all('drop index messages_due');
    const plans = await inbox.plansOf((store) => store.claimMessages({ ...claim, lease: 'a', sources: ['dbt'] }));
    expect(plans[0]).toMatch(FULL_SCAN);
    await inbox.store.close();
  });
});

describe('a purge', () => {
  it('continues where its last step ended, skips messages that must stay, and returns to them later', async () => {
    const inbox = new RecordedInbox();
    await inbox.store.open();
    const [first, second, third] = [newMessage('1'), newMessage('2'), newMessage('3')];
    for (const message of [first, second, third]) await inbox.store.append(message);
    inbox.all(`update messages set state = 'parsed', due_at = null where id <> ?`, [first.id]);
    const later = new Date(NOW.getTime() + 1);
    const step = (store: Store) =>
      store.purge({
        finishedBefore: later,
        deadBefore: later,
        deduplicationBefore: new Date(0),
        goodBefore: new Date(0),
        nodesBefore: new Date(0),
        tasksBefore: new Date(0),
        limit: 1,
      });

    expect(rowsOf(await step(inbox.store))).toBe(1);
    const [look] = await inbox.statementsOf(step);
    expect(look?.parameters[0]).toBe(second.id);
    inbox.all(`update messages set state = 'parsed', due_at = null`);
    expect(rowsOf(await step(inbox.store))).toBe(1);
    expect(rowsOf(await step(inbox.store))).toBe(0);
    expect(await inbox.store.messages({}, {})).toEqual({ items: [] });
    await inbox.store.close();
  });
});
