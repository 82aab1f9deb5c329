import { describe, expect, it } from '@jest/globals';
import { StoreUnavailableError } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { Logger } from '../log/logger.js';
import { StoreGuard } from './store-guard.js';

function guardWithLog() {
  const lines: string[] = [];
  const note = (level: string) => (line: string) => void lines.push(`${level}: ${line}`);
  const logger: Logger = { debug: note('debug'), log: note('log'), warn: note('warn'), error: note('error') };
  return { guard: new StoreGuard(logger), lines };
}

const works = () => Promise.resolve('done');
const fails =
  (message = 'the disk is full') =>
  () =>
    Promise.reject(new StoreUnavailableError(message));

describe('StoreGuard', () => {
  it('returns the result of the step, and logs nothing', async () => {
    const { guard, lines } = guardWithLog();
    expect(await guard.write(works, 'otherwise')).toBe('done');
    expect(await guard.read(() => Promise.resolve(undefined), 'otherwise')).toBeUndefined();
    expect(lines).toEqual([]);
  });

  it('returns the other value when the step throws or rejects with any value', async () => {
    const { guard } = guardWithLog();
    const throws = (): Promise<string> => {
      throw new Error('at once');
    };
    // A store of another author may reject with any value.
    const rejects = () => Promise.reject(undefined as unknown as Error);
    for (const step of [throws, rejects, fails()]) {
      expect(await guard.write(step, 'otherwise')).toBe('otherwise');
      expect(await guard.read(step, 'otherwise')).toBe('otherwise');
    }
  });

  it('logs a failure once with its reason, and once that the store is available again', async () => {
    const { guard, lines } = guardWithLog();
    for (let times = 0; times < 3; times++) await guard.write(fails(), 0);
    expect(lines).toEqual([expect.stringMatching(/^error: .*StoreUnavailableError: the disk is full/)]);
    for (let times = 0; times < 3; times++) await guard.write(works, '');
    expect(lines.slice(1)).toEqual(['log: Inbox is available again']);
    await guard.read(fails(), 0);
    expect(lines).toHaveLength(3);
  });

  it('does not log recovery after a read, because a full disk can be read', async () => {
    const { guard, lines } = guardWithLog();
    for (let times = 0; times < 3; times++) {
      await guard.write(fails(), 0);
      await guard.read(works, '');
    }
    expect(lines).toHaveLength(1);
    await guard.write(works, '');
    expect(lines.slice(1)).toEqual(['log: Inbox is available again']);
  });

  it('logs each reason once, even if reasons alternate, and only a few that always differ', async () => {
    const { guard, lines } = guardWithLog();
    for (let turn = 0; turn < 100; turn++) {
      await guard.write(fails(turn % 2 ? 'refused on ::1' : 'refused on 127.0.0.1'), 0);
    }
    expect(lines).toHaveLength(2);
    for (let pid = 0; pid < 100; pid++) await guard.write(fails(`a lock is held by process ${pid}`), 0);
    expect(lines).toHaveLength(LIMITS.outageReasonsMax);
    await guard.write(works, '');
    await guard.write(fails('refused on ::1'), 0);
    expect(lines.slice(LIMITS.outageReasonsMax)).toEqual([
      'log: Inbox is available again',
      expect.stringContaining('::1'),
    ]);
  });

  it('logs again when the reason has changed', async () => {
    const { guard, lines } = guardWithLog();
    for (const reason of ['the disk is full', 'the disk is full', 'the file is damaged']) {
      await guard.write(fails(reason), 0);
    }
    expect(lines).toEqual([expect.stringContaining('is full'), expect.stringContaining('is damaged')]);
  });
});
