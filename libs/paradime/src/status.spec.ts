import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { RunStatus } from 'nestjs-runhooks/core';
import { isFinal, statusOf } from './status.js';

const KNOWN: readonly [RunStatus, readonly string[]][] = [
  ['succeeded', ['succeeded', 'success', 'passed', 'finished']],
  ['failed', ['failed', 'failure', 'error', 'errored']],
  ['canceled', ['canceled', 'cancelled']],
  ['skipped', ['skipped']],
  ['running', ['running', 'started']],
  ['pending', ['starting', 'pending', 'queued', 'deploying']],
];
const WORDS = KNOWN.flatMap(([status, words]) => words.map((word) => [word, status] as const));

describe('statusOf', () => {
  it.each(WORDS)('maps %s to %s in any case and with spaces around it', (word, status) => {
    const title = word.charAt(0).toUpperCase() + word.slice(1);
    for (const spelling of [word, word.toUpperCase(), title, ` ${word}\n`]) expect(statusOf(spelling)).toBe(status);
  });

  it.each([
    '',
    ' ',
    'ok',
    'done',
    'completed',
    'succeeded!',
    'not succeeded',
    'pass',
    'warn',
    'REMOVING',
    'No runs',
    '0',
  ])('maps %j to unknown', (word) => expect(statusOf(word)).toBe('unknown'));

  it.each(['constructor', '__proto__', 'toString', 'get', 'size'])('maps the object member %s to unknown', (word) => {
    expect(statusOf(word)).toBe('unknown');
  });

  it.each([null, undefined])('maps %s to unknown', (nothing) => expect(statusOf(nothing)).toBe('unknown'));

  it('maps any other status to unknown', () => {
    const known = new Set(WORDS.map(([word]) => word));
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (word) => {
        fc.pre(!known.has(word.trim().toLowerCase()));
        expect(statusOf(word)).toBe('unknown');
      }),
    );
  });
});

describe('a status that may mean a failure', () => {
  it.each(['timeout', 'Timed_Out', 'timed-out', ' KILLED ', 'aborted'])(
    'means a failure only if something else reports one: %j',
    (word) => {
      expect([statusOf(word), statusOf(word, true)]).toEqual(['unknown', 'failed']);
    },
  );

  it('is none of the other statuses', () => {
    for (const word of ['', 'brand-new', 'succeeded', 'skipped', 'canceled', 'running', null]) {
      expect(statusOf(word, true)).toBe(statusOf(word));
    }
  });
});

describe('isFinal', () => {
  it('returns true for every status of a finished run, including possible failures', () => {
    const final = new Set<RunStatus>(['succeeded', 'failed', 'canceled', 'skipped']);
    for (const [word, status] of WORDS) expect(isFinal(word.toUpperCase())).toBe(final.has(status));
    for (const word of ['timeout', 'Killed']) expect(isFinal(word)).toBe(true);
    for (const word of ['', 'brand-new', null, undefined]) expect(isFinal(word)).toBe(false);
  });
});
