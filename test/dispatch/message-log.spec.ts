import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PermanentError } from 'nestjs-runhooks/core';
import type { EventFilter } from 'nestjs-runhooks/internal';
import { DispatchHarness } from './dispatch-harness.js';
import type { ProbeMessage } from './probe-provider.js';

let harness: DispatchHarness;

beforeEach(async () => {
  harness = await DispatchHarness.open();
});

afterEach(() => harness.close());

const FAILED: ProbeMessage = { run: '42', job: 'nightly-core', types: ['run.failed', 'run.completed'] };

/** Returns the log line about a message, without its id. */
async function lineOf(message: ProbeMessage): Promise<string | undefined> {
  const id = await harness.send(message);
  await harness.idle();
  const lines = harness.parsedLines.filter((line) => line.includes(id));
  expect(lines.length).toBeLessThanOrEqual(1);
  return lines[0]?.replace(`Message ${id} from source "probe": `, '');
}

/** Adds a handler that the message must not match. */
function page(job: string | string[]): void {
  harness.on('on-call.page', () => undefined, { types: ['run.failed'], filter: { job } });
}

describe('the log line about a parsed message', () => {
  it('names the run, its outcome, the events and the handlers of each', async () => {
    page('nightly-*');
    harness.on('log', () => undefined, { types: ['run.failed'] });
    expect(await lineOf(FAILED)).toBe(
      'run 42 of "nightly-core" failed → run.failed for on-call.page, log; run.completed for no handler',
    );
    harness.on('refresh', () => undefined, { types: ['run.completed'] });
    expect(await lineOf({ ...FAILED, run: '43' })).toBe(
      'run 43 of "nightly-core" failed → run.failed for on-call.page, log; run.completed for refresh',
    );
  });

  it('names handlers of messages', async () => {
    harness.on('every', () => undefined, { messages: true });
    expect(await lineOf({ ...FAILED, types: ['run.started'] })).toBe(
      'run 42 of "nightly-core" started → message.received for every; run.started for no handler',
    );
  });

  it('names the handler that watches the run', async () => {
    harness.on('slow', () => undefined, { on: { stuck: { afterMs: 60_000 } } });
    expect(await lineOf({ ...FAILED, types: ['run.started'] })).toBe(
      'run 42 of "nightly-core" started → watched by slow; run.started for no handler',
    );
  });

  it('reports that a message adds no event', async () => {
    page('*');
    await lineOf({ ...FAILED, id: 'a' });
    expect(await lineOf({ ...FAILED, id: 'b' })).toBe('run 42 of "nightly-core" failed → no new event');
  });

  it('reports that a message was reparsed without running handlers', async () => {
    harness.provider.parseOverrides.set('42', () => 'nothing');
    page('*');
    const id = await harness.send(FAILED);
    await harness.idle();
    harness.provider.parseOverrides.clear();
    await harness.inbox.reparse({ messageIds: [id], by: 'test' });
    await harness.idle();
    expect(harness.parsedLines).toEqual([
      `Message ${id} from source "probe": run 42 of "nightly-core" failed → run.failed, run.completed, reparsed without running handlers`,
    ]);
  });

  it('is replaced by the warning for a message that is not about a run', async () => {
    expect(await lineOf({ as: 'test' })).toBeUndefined();
    expect(harness.lines).toHaveLength(1);
  });

  it('limits external strings and the list of handlers', async () => {
    for (let i = 10; i < 100; i += 1) harness.on(`handler-${i}`, () => undefined, { types: ['run.failed'] });
    const line = await lineOf({ ...FAILED, job: 'j'.repeat(5_000) });
    expect(line).toMatch(
      /^run 42 of "j+ \[…\] j+" failed → run\.failed for handler-10, .* and \d+ more; run\.completed/,
    );
    expect(line!.length).toBeLessThan(1_000);
  });
});

describe('the log line about a message without a matching handler', () => {
  const unmatched = 'run 42 of "nightly-core" failed → run.failed, run.completed; no handler wants it';

  it('names no handler when there is none', async () => {
    expect(await lineOf(FAILED)).toBe(unmatched);
  });

  it.each([
    ['filters for something else', ['hourly', 'weekly-*'], 'asks for job "hourly" or "weekly-*", found "nightly-core"'],
    ['a few of many filters', ['a', 'b', 'c', 'd'], 'asks for job "a" or "b" or "c" or others, found "nightly-core"'],
    ['a pattern that differs in case', 'Nightly-*', 'asks for job "Nightly-*", found "nightly-core"'],
    ['a name with swapped letters', 'nigthly-core', 'asks for job "nigthly-core", found "nightly-core"'],
    ['a pattern with swapped letters', ['x', 'nigthly-*'], 'asks for job "nigthly-*", found "nightly-core"'],
    ['an extra space', 'nightly-core ', 'asks for job "nightly-core ", found "nightly-core"'],
    ['a pattern without its leading asterisk', 'core*', 'asks for job "core*", found "nightly-core"'],
  ])('names the mismatch of %s', async (_, job, near) => {
    page(job);
    expect(await lineOf(FAILED)).toBe(`${unmatched}. Nearest: on-call.page ${near}`);
  });

  it.each<[EventFilter, string]>([
    [{ provider: 'other' as never }, 'asks for provider "other", found "probe"'],
    [{ source: ['other', 'elsewhere'] }, 'asks for source "other" or "elsewhere", found "probe"'],
    [{ trigger: 'api' }, 'asks for trigger "api", found "unknown"'],
    [{ environment: 'Prod' }, 'asks for environment "Prod", found none'],
    [{ account: 'acme', job: '*' }, 'asks for account "acme", found "1"'],
  ])('names the filter %j', async (filter, near) => {
    harness.on('on-call.page', () => undefined, { types: ['run.failed'], filter });
    expect(await lineOf(FAILED)).toBe(`${unmatched}. Nearest: on-call.page ${near}`);
  });

  it('names the types that handlers subscribe to when they want no event of this message', async () => {
    harness.on('start', () => undefined, { types: ['run.started'] });
    expect(await lineOf(FAILED)).toBe(`${unmatched}. start asks for run.started`);
    harness.on('slow', () => undefined, { on: { stuck: { afterMs: 60_000 } } });
    harness.on('again', () => undefined, { types: ['run.recovered', 'run.started'] });
    expect(await lineOf({ ...FAILED, run: '43' })).toContain(
      'no handler wants it. Handlers ask for run.started, run.stuck, run.recovered',
    );
  });

  it('names the filter nearest to one of the events when handlers want the other events', async () => {
    harness.on('on-call.page', () => undefined, { types: ['run.failed'] });
    harness.on('refresh', () => undefined, { types: ['run.completed'], filter: { job: 'Nightly-*' } });
    expect(await lineOf(FAILED)).toBe(
      'run 42 of "nightly-core" failed → run.failed for on-call.page; run.completed for no handler. ' +
        'Nearest: refresh asks for job "Nightly-*", found "nightly-core"',
    );
  });

  it('names the nearest of several handlers', async () => {
    page('nigthly-croe');
    harness.on('case', () => undefined, { types: ['run.completed'], filter: { job: 'NIGHTLY-core' } });
    harness.on('other-type', () => undefined, { types: ['run.started'], filter: { job: 'NIGHTLY-core' } });
    expect(await lineOf(FAILED)).toContain('. Nearest: case asks for job "NIGHTLY-core", found "nightly-core"');
  });

  it('names the handler with the fewest mismatching filters, and all of these filters', async () => {
    harness.on('two', () => undefined, { types: ['run.failed'], filter: { job: 'NIGHTLY-*', account: 'another' } });
    expect(await lineOf(FAILED)).toBe(
      `${unmatched}. Nearest: two asks for account "another", found "1", and for job "NIGHTLY-*", found "nightly-core"`,
    );
    harness.on('one', () => undefined, { types: ['run.failed'], filter: { job: 'hourly' } });
    expect(await lineOf({ ...FAILED, run: '43' })).toContain('. Nearest: one asks for job "hourly"');
  });

  it('is computed quickly for any names and filters', async () => {
    for (let i = 0; i < 300; i += 1) {
      harness.on(`h${i}`, () => undefined, { types: ['run.failed'], filter: { job: `${'a*'.repeat(2_000)}${i}` } });
    }
    const startedAt = performance.now();
    await lineOf({ ...FAILED, job: 'b'.repeat(100_000) });
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});

describe('the log line about a successful delivery', () => {
  it('is at debug level, with handler, event and duration', async () => {
    harness.on('page', () => undefined, { types: ['run.failed'] });
    harness.on('fails', () => Promise.reject(new PermanentError('no')), { types: ['run.failed'] });
    await lineOf(FAILED);
    expect(harness.debugged.filter((line) => line.startsWith('Delivery'))).toEqual([
      expect.stringMatching(/^Delivery dlv_\S+ succeeded \(handler "page", run\.failed:probe\/1\/42, 0 ms\)$/),
    ]);
  });
});
