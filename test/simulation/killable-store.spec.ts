import { describe, expect, it } from '@jest/globals';
import { memoryInbox } from 'nestjs-runhooks/testing';
import { KillableStore } from './killable-store.js';

describe('KillableStore', () => {
  it('cuts the connection at the call that is armed', async () => {
    const killable = new KillableStore(memoryInbox());
    const store = killable.createStore(console);
    killable.cutAt(1, false);

    await store.open();

    await expect(store.counts()).rejects.toThrow('this process was killed');
    expect(killable.isDead).toBe(true);
  });

  it('counts only the calls of one part', async () => {
    const killable = new KillableStore(memoryInbox());
    const store = killable.createStore(console);
    await store.open();
    killable.cutAt(0, true, 'rounds');

    await store.counts();
    expect(killable.isDead).toBe(false);

    await expect(store.rounds?.list()).rejects.toThrow('this process was killed');
    expect(killable.isDead).toBe(true);
  });

  it('takes back a kill that is armed', async () => {
    const killable = new KillableStore(memoryInbox());
    const store = killable.createStore(console);
    killable.cutAt(1, false);
    killable.spare();

    await store.open();

    await expect(store.counts()).resolves.toBeDefined();
    await store.close();
  });
});
