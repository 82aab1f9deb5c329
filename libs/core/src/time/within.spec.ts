import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { within } from './within.js';

describe('within', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('resolves or rejects as the promise does, and leaves no timer behind', async () => {
    await expect(within(Promise.resolve(1), 10)).resolves.toBe(1);
    await expect(within(Promise.reject(new Error('no')), 10)).rejects.toThrow('no');
    expect(jest.getTimerCount()).toBe(0);
  });

  it('resolves with the result of onTimeout when the time is up, and ignores a later rejection', async () => {
    let reject: (reason: Error) => void = () => undefined;
    const late = within(new Promise<number>((_, refuse) => (reject = refuse)), 10, () => 'late');
    jest.advanceTimersByTime(10);
    await expect(late).resolves.toBe('late');
    reject(new Error('ignored'));
  });

  it('rejects with what onTimeout throws', async () => {
    const late = within(new Promise(() => undefined), 10, () => {
      throw new Error('no response');
    });
    jest.advanceTimersByTime(10);
    await expect(late).rejects.toThrow('no response');
  });
});
