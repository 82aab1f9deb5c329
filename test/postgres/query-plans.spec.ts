import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Store } from 'nestjs-runhooks/core';
import pg from 'pg';
import { HOT, OPEN_EVERY, START_MS } from '../hot-steps.js';
import { LISTS } from '../list-steps.js';
import { onPostgres, POSTGRES_URL, Schemas } from './server.js';

/** Plans depend on the statistics, which a tenth of the rows of the SQLite test give as well, in a tenth of the time. */
const ROWS = 100_000;

interface RecordedQuery {
  readonly text: string;
  readonly values?: unknown[];
}

/** A pool that remembers the statements run on it. */
class RecordingPool extends pg.Pool {
  readonly recorded: RecordedQuery[] = [];

  constructor() {
    super({ connectionString: POSTGRES_URL });
    this.on('connect', (client) => {
      const query = client.query.bind(client) as (...args: unknown[]) => unknown;
      client.query = ((...args: unknown[]) => {
        this.recorded.push(args[0] as RecordedQuery);
        return query(...args);
      }) as typeof client.query;
    });
  }
}

/** The same inbox as for the SQLite plans; nearly all of its work is finished. */
const INSERTS: readonly string[] = [
  `message_keys select 'dbt', 'key-' || n, decode(md5('' || n), 'hex'), msg from numbers`,
  `purged_keys select 'msg_' || lpad(to_hex(n), 12, '0') || '0000' || lpad(to_hex(n), 16, '0'), 'dbt', 'old-' || n, decode(md5('' || n), 'hex') from numbers`,
  `messages (id, source, provider, message_key, digest, headers, body, received_at, state, id_reused, claims, without_handlers, due_at)
   select msg, 'dbt', 'dbt-cloud', 'key-' || n, '', '{}', '{}', at, case when open then 'stored' else 'parsed' end, 0, 1, 0,
   case when open then at end from numbers`,
  `runs (source, account_id, run_id, job_key, outcome, contradicted, types, updated_at)
   select 'dbt', '1', n, 'job-' || n % 50, case when n % 20 = 0 then 'failed' else 'succeeded' end, 0, '[]', at from numbers`,
  `events (id, type, source, provider, message_id, occurred_at, recorded_at, data)
   select 'run.failed:dbt/1/' || n, 'run.failed', 'dbt', 'dbt-cloud', msg, 0, at, '{}' from numbers`,
  `deliveries (id, event_id, handler_id, source, replay_id, lane, in_lane, state, attempts, attempts_before, due_at)
   select dlv, 'run.failed:dbt/1/' || n, case when laned then 'laned' else 'plain' end, 'dbt', '',
   case when laned then 'laned job-' || n % 7 end, case when laned then 1 else 0 end, case when open then 'pending' else 'succeeded' end, 1, 0,
   case when open then at end from numbers`,
  `attempts (delivery_id, attempt, started_at, finished_at, outcome) select dlv, 1, 0, 0, 'succeeded' from numbers`,
  ...['messages.parsed', 'events', 'deliveries.succeeded'].flatMap((kind) => [
    `series select 0, 'dbt', '${kind}', '', count(*) from numbers`,
    `series select at / 60000 + n, 'dbt', '${kind}', case when n % 1000 = 0 then '7' else '' end, 60 from numbers`,
  ]),
  `results (source, account_id, run_id, state, scope, finished_at, failing, recorded, updated_at, good)
   select 'dbt', '1', n, case when n % 20 = 0 then 'unread' else 'recorded' end, '{"accountId":"' || n % 50 || '"}', at, 0, 0, at,
   case when n > ${ROWS / 2} then '["model.one"]' end from numbers`,
  `result_nodes (source, account_id, run_id, part, nodes) select 'dbt', '1', n, 0, '[]' from numbers`,
  `nodes (source, scope, node_id, place, observed_at, incident, history)
   select 'dbt', '{"accountId":"' || n % 50 || '"}', 'model.' || n, '{"accountId":"' || n % 50 || '"}', at, case when open then '{}' end, '[]'
   from numbers`,
  `actions (source, action_key, kind, target, account_id, state, mark, request, new_run, root_run, asked_source, asked_account, asked_run, created_at, updated_at)
   select 'dbt', 'action ' || n, 'retry', n, '1', case when open then 'unknown' else 'answered' end, 'runhooks:' || n, '{}', 'run ' || n, n, 'dbt', '1', n, at, at
   from numbers`,
  `jobs (source, job_key, updated_at) select 'dbt', 'job-' || n, at from numbers`,
  `tasks (id, kind, handler_id, source, provider, message_id, data, claims, due_at)
   select 'task-' || n, 'hand-off', 'plain', 'dbt', 'dbt-cloud', msg, '{}', 0, at from numbers`,
];

const NUMBERS = `with numbers as (
  select n, ${START_MS} + n * 1000::bigint as at, n % ${OPEN_EVERY} = 0 as open, n % 1000 = 0 as laned,
    'msg_' || lpad(to_hex(${START_MS} + n * 1000::bigint), 12, '0') || '0000' || lpad(to_hex(n), 16, '0') as msg,
    'dlv_' || lpad(to_hex(n), 12, '0') || '0000' || lpad(to_hex(n), 16, '0') as dlv
  from generate_series(1, ${ROWS}) n)`;

/** This step runs every ten minutes on few tasks. Before an analysis the server expects a third of them to be ahead. */
const PULL_BACK = 'pull back work due too far ahead';

/** Matches a scan of a whole table. Handlers, barriers and processes are exempt because they have few rows. */
const FULL_SCAN = /Seq Scan on (?!(?:barriers|handlers|processes|clock)\b)\w+/;

onPostgres(`the plans of a Postgres inbox of ${ROWS} messages`, () => {
  const schemas = new Schemas();
  const pool = new RecordingPool();
  let schema: string;
  let store: Store;

  beforeAll(async () => {
    schema = schemas.next();
    store = await schemas.open({ pool, schema, notify: false });
    for (const insert of INSERTS) {
      await schemas.query(`set local search_path to "${schema}"; ${NUMBERS} insert into ${insert}`);
    }
  });
  afterAll(async () => {
    await store.close();
    await pool.end();
  });

  /** Returns the plan of each statement that the step runs, and rolls the step back. */
  async function plansOf(step: (store: Store) => Promise<unknown>): Promise<string[]> {
    pool.recorded.length = 0;
    await step(store);
    const recorded = pool.recorded.filter(({ text }) => /^(?:select|insert|update|delete|with)\b/.test(text));
    const plans: string[] = [];
    for (const { text, values } of recorded) {
      const lines = await schemas.query<{ 'QUERY PLAN': string }>(`explain ${text}`, values);
      plans.push(lines.map((line) => line['QUERY PLAN']).join('\n'));
    }
    return plans;
  }

  async function expectIndices(step: (store: Store) => Promise<unknown>, fullScan = FULL_SCAN): Promise<void> {
    const plans = await plansOf(step);
    expect(plans.length).toBeGreaterThanOrEqual(1);
    expect(plans.filter((plan) => fullScan.test(plan))).toEqual([]);
  }

  // Purging is left out here: rows old enough to be purged were analyzed by autovacuum long before.
  describe('before the server has analyzed the tables', () => {
    it.each(HOT.filter(({ title }) => title !== 'purge' && title !== PULL_BACK))(
      'use an index and scan no whole table: $title',
      ({ step }) => expectIndices(step),
    );
  });

  describe('with statistics', () => {
    beforeAll(async () => {
      await schemas.query(`set local search_path to "${schema}"; analyze`);
    });

    it.each(HOT)('use an index and scan no whole table: $title', ({ step, title }) =>
      // Here there are as many tasks as messages, so a purge may scan all tasks instead of those of each message.
      expectIndices(step, title === 'purge' ? /Seq Scan on (?!(?:barriers|tasks|clock|audit)\b)\w+/ : FULL_SCAN),
    );
  });

  it('count finished work by its totals, and all other work with indices that contain nothing else', async () => {
    const [plan = ''] = await plansOf((one) => one.counts());
    const looks = plan.split('\n').filter((line) => /Scan/.test(line));
    // Tasks are unfinished work.
    const few =
      /Scan using (?:\w+_(?:due|rare)|series_key) on |Bitmap Index Scan on \w+_(?:due|rare) |Bitmap Heap Scan| on tasks /;
    expect(looks.filter((line) => !few.test(line))).toEqual([]);
    expect(looks.length).toBeGreaterThanOrEqual(18);
  });

  it.each(LISTS)('list without reading a whole table: $title', ({ step }) =>
    expectIndices(step, /Seq Scan on (?!(?:handlers|processes|tasks|audit)\b)\w+/),
  );

  it('count within the statements that record messages and settle attempts', async () => {
    const steps = HOT.filter(
      ({ title }) => title === 'record parsed messages' || title === 'renew and settle a delivery',
    );
    pool.recorded.length = 0;
    for (const { step } of steps) await step(store);
    const counting = pool.recorded.filter(({ text }) => text.includes('"series"'));
    expect(counting.map(({ text }) => /^with "(?:saved_jobs|given)"/.test(text))).toEqual([true, true]);
  });

  it('are detected as full scans when an index is missing', async () => {
    await schemas.query(`drop index "${schema}".messages_due`);
    const plans = await plansOf((one) =>
      one.nextDueAt({ sources: ['dbt'], handlerIds: ['plain'], taskHandlerIds: ['plain'] }),
    );
    expect(plans[0]).toMatch(FULL_SCAN);
  });
});
