import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Inbox } from 'nestjs-runhooks';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import { waitUntilIdle } from 'nestjs-runhooks/testing';
import { CONCURRENCY, CrashApp, WANTED } from './crash-app.js';
import { readEvidence } from './evidence.js';
import { fastClock } from './fast-clock.js';
import { Ledger } from './ledger.js';
import { Random } from './random.js';
import { RunPlan } from './run-plan.js';
import { Sender } from './sender.js';
import { openSqlite, type SqliteFile } from './sqlite-file.js';
import { verify, type Expectation, type Verdict } from './verify.js';

/** The process of the spec itself, which is never killed. */
const OWN_PROCESS = 1;
const KILLED = 99;
const MESSAGES = 120;

const directory = mkdtempSync(join(tmpdir(), 'runhooks-verify-'));
const place = { inbox: join(directory, 'inbox.db'), ledger: join(directory, 'ledger.txt') };
let expectation: Expectation;

/** Runs the parts of a crash test without a kill. The result must have no problems. */
async function fillInbox(): Promise<Expectation> {
  const clock = fastClock(Date.now());
  const ledger = new Ledger(place.ledger);
  const app = await NestFactory.create<NestFastifyApplication>(
    CrashApp.with({ inbox: sqliteInbox({ path: place.inbox }), clock, ledger, processNumber: OWN_PROCESS }),
    new FastifyAdapter(),
    { logger: false },
  );
  await app.listen(0, '127.0.0.1');
  const port = Number(new URL(await app.getUrl()).port);
  const random = new Random(1);
  const plan = new RunPlan(random);
  const sender = new Sender({ plan, random, now: clock.now, ports: () => [port] });
  await sender.sendAtLeast(MESSAGES);
  const inbox = app.get(Inbox);
  do await waitUntilIdle(app);
  while ((await inbox.counts()).deliveries.pending > 0);
  await app.close();
  ledger.close();
  expect(sender.problems).toEqual([]);
  expect(sender.duplicates).toBeGreaterThan(0);
  return {
    runs: plan.runs,
    acknowledged: sender.acknowledged,
    wanted: WANTED,
    killed: new Set([KILLED]),
    concurrency: CONCURRENCY,
  };
}

interface Sabotage {
  readonly change?: (file: SqliteFile) => void;
  readonly ledger?: (lines: string[]) => string[];
  readonly expectation?: Partial<Expectation>;
}

let copies = 0;

/** Verifies a copy of the result after a manipulation. */
async function verdictOf({ change, ledger, expectation: other }: Sabotage): Promise<Verdict> {
  const copy = { inbox: join(directory, `${(copies += 1)}.db`), ledger: join(directory, `${copies}.txt`) };
  copyFileSync(place.inbox, copy.inbox);
  const lines = readFileSync(place.ledger, 'utf8').trimEnd().split('\n');
  writeFileSync(copy.ledger, `${(ledger?.(lines) ?? lines).join('\n')}\n`);
  if (change) {
    const file = await openSqlite(copy.inbox);
    change(file);
    file.close();
  }
  return verify(await readEvidence(copy.inbox, copy.ledger), { ...expectation, ...other });
}

/** Returns the ledger line of the only effect of the first delivery of handler `slow`, in parts. */
function firstSlow(lines: readonly string[]): { line: string; index: number; deliveryId: string; handlerId: string } {
  const index = lines.findIndex((line) => line.includes(' slow '));
  const line = lines[index] ?? '';
  const [, handlerId = '', deliveryId = ''] = line.split(' ');
  return { line, index, deliveryId, handlerId };
}

const FIRST_SLOW = `(select id from deliveries where handler_id = 'slow' order by seq limit 1)`;

/**
 * Simulates a kill between an effect and its record: attempts 1 to `before` have an effect, and the next one has a
 * record.
 */
function attemptsBefore(before: number): (file: SqliteFile) => void {
  return (file) => {
    file.all(`update deliveries set attempts = ${before + 1} where id = ${FIRST_SLOW} returning id`);
    moveFirstSuccess(file);
    file.all(`update attempts set attempt = ${before + 1} where delivery_id = ${FIRST_SLOW} returning attempt`);
  };
}

/** Writes the first success of the delivery as an attempt, as if something had gone wrong before it. */
function moveFirstSuccess(file: SqliteFile): void {
  file.all(
    `insert into attempts (delivery_id, attempt, started_at, finished_at, outcome)
     select id, 1, started_at, finished_at, 'succeeded' from deliveries where id = ${FIRST_SLOW} returning attempt`,
  );
  file.all(`update deliveries set started_at = null, finished_at = null where id = ${FIRST_SLOW} returning id`);
}

/** Adds the effects of those attempts by the given processes. */
function effectsBy(processNumbers: readonly number[]): (lines: string[]) => string[] {
  return (lines) => {
    const { index, deliveryId, handlerId } = firstSlow(lines);
    const effects = [...processNumbers, OWN_PROCESS].map(
      (processNumber, before) => `${processNumber} ${handlerId} ${deliveryId} ${before + 1}`,
    );
    return lines.toSpliced(index, 1, ...effects);
  };
}

beforeAll(async () => {
  expectation = await fillInbox();
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('the verifier of the crash test', () => {
  it('finds no problem in an unchanged inbox and ledger', async () => {
    const verdict = await verdictOf({});
    expect(verdict).toMatchObject({ problems: [], lost: 0, doubleEvents: 0, repeatedAttempts: 0 });
    expect(verdict.acknowledged).toBeGreaterThanOrEqual(MESSAGES);
  });

  it('accepts and counts effects repeated because of a kill between an effect and its record', async () => {
    const verdict = await verdictOf({ change: attemptsBefore(1), ledger: effectsBy([KILLED]) });
    expect(verdict).toMatchObject({ problems: [], lost: 0, repeatedAttempts: 1, repeatedAttemptsMax: CONCURRENCY });
  });
});

/** Adds a copy of one row with other values in some columns. */
function copyRow(file: SqliteFile, table: string, where: string, others: Readonly<Record<string, string>>): void {
  const columns = file.all<{ name: string }>(`select name from pragma_table_info('${table}')`).map(({ name }) => name);
  const values = columns.map((name) => others[name] ?? name);
  file.all(`insert into ${table} select ${values.join(', ')} from ${table} where ${where} limit 1 returning 1`);
}

const ANY_MESSAGE = '(select id from messages order by id limit 1)';
const ANY_EVENT = `(select id from events where type = 'run.completed' order by id limit 1)`;

const sabotages: readonly (Sabotage & {
  readonly title: string;
  readonly problem: RegExp;
  readonly counted?: Partial<Verdict>;
})[] = [
  {
    title: 'an acknowledged message that is missing',
    change: (file) => file.all(`delete from messages where id = ${ANY_MESSAGE} returning id`),
    problem: /was acknowledged but is not in the inbox/,
    // The message is lost, and so is the success of handler `every` for its event.
    counted: { lost: 2 },
  },
  {
    title: 'an acknowledged message that was not parsed',
    change: (file) => file.all(`update messages set state = 'quarantined' where id = ${ANY_MESSAGE} returning id`),
    problem: /was acknowledged but is quarantined, not parsed/,
    counted: { lost: 1 },
  },
  {
    title: 'a message that is stored twice',
    change: (file) => copyRow(file, 'messages', `id = ${ANY_MESSAGE}`, { id: "'msg_copy'" }),
    problem: /is in the inbox 2 times/,
  },
  {
    title: 'a message that was never sent',
    change: (file) => file.all(`update messages set message_key = 'other' where id = ${ANY_MESSAGE} returning id`),
    problem: /is in the inbox but was never sent/,
    counted: { lost: 1 },
  },
  {
    title: 'a message stored under another id than its response named',
    change: (file) => {
      file.all(`update events set message_id = 'msg_other' where message_id = ${ANY_MESSAGE} returning id`);
      file.all(`update messages set id = 'msg_other' where id = ${ANY_MESSAGE} returning id`);
    },
    problem: /is msg_other; its responses named msg_/,
  },
  {
    title: 'an event that is missing',
    change: (file) => file.all(`delete from events where id = ${ANY_EVENT} returning id`),
    problem: /^run.completed \S+ is missing/,
    counted: { lost: 2 },
  },
  {
    title: 'one fact in two events with different ids',
    change: (file) => copyRow(file, 'events', `id = ${ANY_EVENT}`, { id: "'copy'" }),
    problem: /^run.completed \S+ exists 2 times/,
    counted: { doubleEvents: 1 },
  },
  {
    title: 'an event that does not follow from the sent webhooks',
    change: (file) => file.all(`update events set type = 'run.paused' where id = ${ANY_EVENT} returning id`),
    problem: /^run.paused \S+ exists but does not follow/,
  },
  {
    title: 'a delivery that is missing',
    change: (file) => file.all(`delete from deliveries where id = ${FIRST_SLOW} returning id`),
    problem: /handler slow has 0 deliveries/,
    counted: { lost: 1 },
  },
  {
    title: 'a delivery that became a dead letter',
    change: (file) => {
      moveFirstSuccess(file);
      file.all(`update attempts set outcome = 'failed' where delivery_id = ${FIRST_SLOW} returning attempt`);
      file.all(`update deliveries set state = 'dead' where id = ${FIRST_SLOW} returning id`);
    },
    problem: /for slow is dead/,
    counted: { lost: 1 },
  },
  {
    title: 'a total that is not the number of rows',
    change: (file) =>
      file.all(`update series set amount = amount + 1 where minute = 0 and kind = 'events' returning 1`),
    problem: /^the total of events is \d+; the inbox has \d+$/,
  },
  {
    title: 'a second delivery of an event to one handler',
    change: (file) =>
      copyRow(file, 'deliveries', `id = ${FIRST_SLOW}`, { seq: 'null', id: "'dlv_copy'", replay_id: "'again'" }),
    problem: /handler slow has 2 deliveries/,
  },
  {
    title: 'a success that was not recorded',
    change: (file) => file.all(`update deliveries set started_at = null where id = ${FIRST_SLOW} returning id`),
    problem: /handler slow has 0 successes/,
    counted: { lost: 1 },
  },
  {
    title: 'a success recorded twice',
    change: (file) => {
      moveFirstSuccess(file);
      copyRow(file, 'attempts', `delivery_id = ${FIRST_SLOW}`, { attempt: 'attempt + 1' });
    },
    problem: /handler slow has 2 successes/,
  },
  {
    title: 'an effect that happened twice in one attempt',
    ledger: (lines) => lines.toSpliced(firstSlow(lines).index, 0, firstSlow(lines).line),
    problem: /attempt 1 of delivery \S+ was made after attempt 1/,
    counted: { repeatedAttempts: 1 },
  },
  {
    title: 'a success without an effect',
    ledger: (lines) => lines.toSpliced(firstSlow(lines).index, 1),
    problem: /succeeded but its handler slow had no effect/,
  },
  {
    title: 'an effect of a missing delivery',
    ledger: (lines) => [...lines, `${OWN_PROCESS} slow dlv_other 1`],
    problem: /an effect belongs to the missing delivery dlv_other/,
  },
  {
    title: 'an effect repeated although no process was killed',
    change: attemptsBefore(1),
    ledger: effectsBy([OWN_PROCESS]),
    problem: /had its effect in process 1, which was not killed, and is recorded as nothing/,
    counted: { repeatedAttempts: 1 },
  },
  {
    title: 'an attempt after its delivery had succeeded',
    ledger: (lines) => [...lines, firstSlow(lines).line.replace(/^1 (.*) 1$/, `${KILLED} $1 2`)],
    problem: /attempt 2 was made|has a success that does not belong to its last effect/,
    counted: { repeatedAttempts: 1 },
  },
  {
    title: 'more repeated effects than the killed process could have running',
    change: attemptsBefore(CONCURRENCY + 1),
    ledger: effectsBy(Array<number>(CONCURRENCY + 1).fill(KILLED)),
    problem: /11 effects of process 99 were not recorded but only 10 handlers could run/,
    counted: { repeatedAttempts: CONCURRENCY + 1 },
  },
  {
    title: 'deliveries of one lane that ran out of order',
    ledger: (lines) => [...lines.filter((line) => line.includes(' every ')).reverse(), ...lines],
    problem: /ran after dlv_\w+, out of order/,
  },
];

describe('the problems found by the crash test', () => {
  it.each(sabotages)('include $title', async ({ problem, counted = {}, ...sabotage }) => {
    const verdict = await verdictOf(sabotage);
    expect(verdict.problems).toContainEqual(expect.stringMatching(problem));
    expect(verdict).toMatchObject(counted);
  });

  it('include a planned message that was never acknowledged', async () => {
    const [first = ['', { ids: new Set<string>() }], ...rest] = expectation.acknowledged;
    const acknowledged = new Map(rest);
    const { problems } = await verdictOf({ expectation: { acknowledged } });
    expect(problems).toEqual([`message ${first[0]} was never acknowledged`]);
  });

  it('include a file that SQLite reports as damaged', async () => {
    const evidence = await readEvidence(place.inbox, place.ledger);
    const damaged = { ...evidence, integrity: ['row 7 missing from index messages_due'] };
    expect(verify(damaged, expectation).problems).toEqual([
      'the file is damaged: row 7 missing from index messages_due',
    ]);
  });

  it('include a file that SQLite cannot read', async () => {
    const inbox = join(directory, 'damaged.db');
    const bytes = readFileSync(place.inbox);
    writeFileSync(inbox, bytes.fill(0xff, 4096));
    // The class of the error depends on which test realm ran before, so only its fields are compared.
    await expect(readEvidence(inbox, place.ledger)).rejects.toMatchObject({
      message: expect.stringMatching(/malformed/),
    });
  });

  it('include a ledger with an incomplete last line', async () => {
    const ledger = join(directory, 'torn.txt');
    writeFileSync(ledger, readFileSync(place.ledger, 'utf8').slice(0, -3));
    await expect(readEvidence(place.inbox, ledger)).rejects.toThrow(/is incomplete/);
  });
});
