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
  it.each(WORDS)('knows %s as %s in any case and with space around it', (word, status) => {
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
  ])('takes %j for unknown', (word) => expect(statusOf(word)).toBe('unknown'));

  it.each(['constructor', '__proto__', 'toString', 'get', 'size'])('takes the object member %s for unknown', (word) => {
    expect(statusOf(word)).toBe('unknown');
  });

  it.each([null, undefined])('takes %s for unknown', (nothing) => expect(statusOf(nothing)).toBe('unknown'));

  it('takes any other word for unknown', () => {
    const known = new Set(WORDS.map(([word]) => word));
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (word) => {
        fc.pre(!known.has(word.trim().toLowerCase()));
        expect(statusOf(word)).toBe('unknown');
      }),
    );
  });
});

describe('a word that may mean a failure', () => {
  it.each(['timeout', 'Timed_Out', 'timed-out', ' KILLED ', 'aborted'])(
    '%j is one only where something else tells so',
    (word) => {
      expect([statusOf(word), statusOf(word, true)]).toEqual(['unknown', 'failed']);
    },
  );

  it('is no other word', () => {
    for (const word of ['', 'brand-new', 'succeeded', 'skipped', 'canceled', 'running', null]) {
      expect(statusOf(word, true)).toBe(statusOf(word));
    }
  });
});

describe('isFinal', () => {
  it('is so of every status that says that a run is over, also where it may be a failure', () => {
    const final = new Set<RunStatus>(['succeeded', 'failed', 'canceled', 'skipped']);
    for (const [word, status] of WORDS) expect(isFinal(word.toUpperCase())).toBe(final.has(status));
    for (const word of ['timeout', 'Killed']) expect(isFinal(word)).toBe(true);
    for (const word of ['', 'brand-new', null, undefined]) expect(isFinal(word)).toBe(false);
  });
});
