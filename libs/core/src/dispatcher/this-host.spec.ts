import { describe, expect, it } from '@jest/globals';
import { nameOf, thisHost } from './this-host.js';

const { host, isGone } = thisHost();

/** No process can have it: it is larger than the largest process id of Linux. */
const NO_PID = 2 ** 22 + 1;

describe('processes that are gone', () => {
  it('are never those of a host whose name is not certain', () => {
    expect(nameOf('localhost', '', 'pid:[1]')).toBe('');
    expect(nameOf('localhost', 'boot', '')).toBe('');
    expect(isGone('', NO_PID)).toBe(false);
  });

  it('are never those of another host, and never this one', () => {
    expect(isGone(`${host} other`, NO_PID)).toBe(false);
    expect(isGone(host, process.pid)).toBe(false);
  });

  it('are those of this host whose process id is free', () => {
    expect(isGone(host, NO_PID)).toBe(host !== '');
  });
});
