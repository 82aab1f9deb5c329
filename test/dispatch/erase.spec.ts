import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ConfigurationError, PermanentError } from 'nestjs-runhooks/core';
import type { Erase } from 'nestjs-runhooks/internal';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import { DispatchHarness } from './dispatch-harness.js';
import { SIGNATURE } from './probe-provider.js';

const WHY = { by: 'Kim', reason: 'request 17' };
let harness: DispatchHarness;

beforeEach(async () => {
  harness = await DispatchHarness.open();
});

afterEach(() => harness.close());

describe('Inbox.erase', () => {
  it('erases all messages of a run and keeps those of other runs', async () => {
    harness.on('page', () => undefined);
    for (const run of ['1', '2']) await harness.send({ run, types: ['run.started'] });
    await harness.send({ run: '1' });
    await harness.idle();
    const run = { source: 'probe', accountId: '1', runId: '1' };
    const accountId = (await harness.inbox.runs()).items[0]?.accountId ?? '';
    expect(await harness.inbox.erase({ ...WHY, run: { ...run, accountId } })).toMatchObject({ messages: 2, held: 0 });
    const states = (await harness.inbox.messages()).items.map(({ state }) => state);
    expect(states).toEqual(['erased', 'parsed', 'erased']);
    expect(await harness.inbox.run({ ...run, accountId })).toMatchObject({ outcome: 'succeeded' });
  });

  it('finds a string in everything derived from a message and keeps it out of the audit', async () => {
    harness.on('page', () => {
      throw new PermanentError('no such person: Zoë Möller');
    });
    await harness.send({ run: '1' });
    await harness.idle();
    await harness.send({ run: '2', job: 'Zo\u00eb M\u00f6ller' });
    await harness.send({ run: '3', job: 'nightly' });
    expect(await harness.inbox.erase({ ...WHY, textContains: 'Zoë Möller' })).toMatchObject({ messages: 2, held: 0 });
    expect(await harness.inbox.erase({ ...WHY, textContains: 'Zoë Möller' })).toMatchObject({ messages: 0 });
    const { items } = await harness.inbox.audit();
    expect(items).toHaveLength(2);
    expect(items[1]).toMatchObject({
      action: 'erase',
      ...WHY,
      details: '{"textContains":"10 characters"}',
      affected: 2,
    });
    expect(JSON.stringify(items)).not.toContain('Möller');
  });

  it.each([
    ['.NET', 'jo+x@example.com', String.raw`jo\u002Bx@example.com`],
    ['.NET with other letters', "Zoë O'Neil", String.raw`Zo\u00EB O\u0027Neil`],
    ['Go', 'Zoë R&D', String.raw`Zoë R\u0026D`],
    ['Python', 'Zoë R&D', String.raw`Zo\u00eb R&D`],
    ['PHP', 'https://example.com/zoë', String.raw`https:\/\/example.com\/zo\u00eb`],
  ])('finds a string escaped as %s', async (_, text, spelling) => {
    // Only the body can contain this spelling, because Runhooks writes everything derived from a message itself.
    await harness.receive('probe', { body: Buffer.from(`{"note":"${spelling}"}`), headers: SIGNATURE });
    expect(await harness.inbox.erase({ ...WHY, textContains: text })).toMatchObject({ messages: 1 });
  });

  it('leaves nothing to replay, reparse or redrive, and affects no other message', async () => {
    harness.on('page', () => {
      throw new PermanentError('never');
    });
    await harness.send({ run: '1' });
    await harness.idle();
    const [message] = (await harness.inbox.messages()).items;
    expect(await harness.inbox.erase({ ...WHY, messageIds: [message?.id ?? ''] })).toMatchObject({ messages: 1 });
    expect(await harness.inbox.replay({ id: 'again', events: {}, by: 'Kim' })).toBe(0);
    expect(await harness.inbox.reparse({ by: 'Kim', runHandlers: true })).toBe(0);
    expect(await harness.inbox.redrive({ by: 'Kim' })).toBe(0);
    await harness.send({ run: '2' });
    await harness.idle();
    expect((await harness.inbox.deliveries({ state: 'dead' })).items).toHaveLength(1);
  });

  it.each<[string, object, string]>([
    ['no selector', {}, 'erase: expected exactly one of run, messageIds and textContains, got 0'],
    [
      'two selectors',
      { messageIds: [], textContains: 'abc' },
      'expected exactly one of run, messageIds and textContains, got 2',
    ],
    ['two letters', { textContains: 'ab' }, 'erase.textContains: expected at least 3 characters, got 2'],
    ['an empty string', { textContains: '' }, 'erase.textContains: expected a string of 1 to 200 characters'],
    [
      'an empty by',
      { messageIds: [], by: '' },
      'erase.by: expected a string of 1 to 200 characters, got an empty string',
    ],
    [
      'no reason',
      { messageIds: [], reason: undefined },
      'erase.reason: expected a string of 1 to 1000 characters, got undefined',
    ],
  ])('throws for %s', async (_, fields, message) => {
    const refused = harness.inbox.erase({ ...WHY, ...fields } as Erase);
    await expect(refused).rejects.toThrow(ConfigurationError);
    await expect(refused).rejects.toThrow(message);
    expect((await harness.inbox.audit()).items).toEqual([]);
  });

  it.each(['redrive', 'replay', 'reparse'] as const)('requires `by` for %s', async (verb) => {
    const request = verb === 'replay' ? { id: 'again', events: {} } : {};
    await expect(harness.inbox[verb](request as never)).rejects.toThrow(
      `${verb}.by: expected a string of 1 to 200 characters`,
    );
  });

  it('records one decision for a replay of many steps and shortens a long list of ids', async () => {
    const ids = Array.from({ length: 150 }, (_, index) => `dlv_${index}`);
    await harness.inbox.redrive({ deliveryIds: ids, by: 'Kim' });
    const [entry] = (await harness.inbox.audit()).items;
    const { deliveryIds } = JSON.parse(entry?.details ?? '') as { deliveryIds: string[] };
    expect([deliveryIds.length, deliveryIds.at(-1)]).toEqual([101, 'and 50 more']);
    harness.on('page', () => undefined);
    for (let run = 0; run < 250; run += 1) await harness.send({ run: `${run}` });
    await harness.idle();
    const added = await harness.inbox.replay({ id: 'again', events: { type: 'run.succeeded' }, ...WHY });
    const [replay, ...others] = (await harness.inbox.audit()).items;
    expect(replay).toMatchObject({ action: 'replay', affected: added, ...WHY });
    expect([added, others.length]).toEqual([250, 1]);
  });
});

describe('an SQLite inbox file', () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'runhooks-erase-'));
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('contains no erased content, nor does its write-ahead log', async () => {
    const discard = (): void => undefined;
    const logger = { debug: discard, log: discard, warn: discard, error: discard };
    const store = sqliteInbox({ path: join(directory, 'inbox.db') }).createStore(logger);
    await store.open();
    const own = await DispatchHarness.open({ store });
    own.on('page', () => {
      throw new PermanentError('no such person: Zoe Miller');
    });
    for (let run = 0; run < 20; run += 1)
      await own.send({ run: `${run}`, note: `for Zoe Miller ${'long '.repeat(500)}` } as never);
    await own.idle();
    const files = (): string =>
      readdirSync(directory)
        .map((file) => readFileSync(join(directory, file), 'latin1'))
        .join();
    expect(files().includes('Zoe Miller')).toBe(true);
    expect(await own.inbox.erase({ ...WHY, textContains: 'Zoe Miller' })).toMatchObject({ messages: 20, held: 0 });
    expect(files().includes('Zoe Miller')).toBe(false);
    await own.close();
    await store.close();
  });
});
