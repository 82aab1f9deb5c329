import { beforeEach, describe, expect, it } from '@jest/globals';
import { IdSequence } from '../ids.js';
import { LIMITS } from '../limits.js';
import type { OpenSource } from '../sources/source.js';
import type { Release } from '../store/claim.js';
import { StoreGuard } from '../store/store-guard.js';
import type { Appended, NewMessage } from '../store/new-message.js';
import type { Store } from '../store/store.js';
import { OwnMessages } from './own-messages.js';
import { Receiver } from './receiver.js';
import { Refusals } from './refusals.js';

const NOW = new Date('2026-11-23T12:00:00.000Z');
const clock = { now: () => NOW };
const silent = (): void => undefined;
const logger = { debug: silent, log: silent, warn: silent, error: silent };

let released: string[];
let appended: NewMessage[];
let append: (message: NewMessage) => Promise<Appended>;
let key: unknown;
let own: OwnMessages;
let receiver: Receiver;

beforeEach(() => {
  [released, appended, key] = [[], [], ''];
  append = ({ id }) => Promise.resolve({ status: 'accepted', id });
  const store = {
    append: (message: NewMessage) => {
      appended.push(message);
      return append(message);
    },
    release: ({ messageIds }: Release) => Promise.resolve(void released.push(...messageIds)),
  } as unknown as Store;
  const shared = { store, clock, logger };
  own = new OwnMessages({ ...shared, guard: new StoreGuard(logger), lease: 'lease' });
  const refusals = new Refusals({ ...shared, guard: new StoreGuard(logger) });
  receiver = new Receiver({ ...shared, ids: new IdSequence(), refusals, own, onAccepted: silent });
  own.open();
  own.caughtUp();
});

function source(name = 'probe'): OpenSource {
  const provider = {
    name: 'probe',
    headersKept: [],
    verify: () => ({ ok: true }),
    identify: () => key as string,
  };
  return { name, provider } as unknown as OpenSource;
}

const receive = async (name?: string, body = Buffer.from('body')) => await receiver.receive(source(name), body, {});

describe('messages that a process keeps claimed', () => {
  it('leave their room to others when they are parsed, duplicates, or not stored', async () => {
    await receive();
    expect(own.count).toBe(1);
    own.take(1);
    append = () => Promise.resolve({ status: 'duplicate', id: 'first' });
    await receive();
    append = () => Promise.reject(new Error('not stored'));
    await expect(receive()).rejects.toThrow('not stored');
    append = () => {
      throw new Error('not even tried');
    };
    await expect(receive()).rejects.toThrow('not even tried');
    expect(own.count).toBe(0);
  });

  it('leave their room to others if their provider returns an id that is no string', async () => {
    key = undefined;
    for (let count = 0; count <= LIMITS.ownMessagesMax; count++) await expect(receive()).rejects.toThrow(TypeError);
    expect(own.count).toBe(0);
    key = '';
    await receive();
    expect(appended.at(-1)?.claim).toBeDefined();
  });

  it('are parsed as they were stored, even if the app changes its request while they are stored', async () => {
    const body = Buffer.from('body');
    append = (message) => {
      body.fill(0);
      expect(Buffer.from(message.body).toString()).toBe('body');
      return Promise.resolve({ status: 'accepted', id: message.id });
    };
    await receive('probe', body);
    expect(own.take(1).map(({ message }) => Buffer.from(message.body).toString())).toEqual(['body']);
  });

  it('hold back tasks of their sources only if they were left by the last step', async () => {
    await receive('one');
    await receive('one');
    await receive('two');
    own.take(2);
    expect(own.sourcesLeft).toEqual(['one']);
    own.take(1);
    await receive('two');
    expect(own.sourcesLeft).toEqual([]);
  });

  it('take turns by source, also if one step has no room for all sources', async () => {
    for (const name of ['one', 'two', 'three', 'one', 'two', 'three', 'one']) await receive(name);
    const sources = (limit: number) => own.take(limit).map(({ message }) => message.source);
    expect([sources(2), sources(2), sources(9), sources(1)]).toEqual([
      ['one', 'two'],
      ['three', 'one'],
      ['two', 'three', 'one'],
      [],
    ]);
  });

  it('are given back if they come back after the end', async () => {
    await receive();
    const kept = own.take(1);
    await own.close();
    expect(released).toEqual([]);
    own.putBack(kept);
    await Promise.resolve();
    expect(released).toEqual(kept.map(({ message }) => message.id));
    expect(own.count).toBe(0);
  });
});
