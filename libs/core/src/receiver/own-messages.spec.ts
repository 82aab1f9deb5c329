import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { StoreUnavailableError } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { Release } from '../store/claim.js';
import { StoreGuard } from '../store/store-guard.js';
import type { NewMessage } from '../store/new-message.js';
import type { Store } from '../store/store.js';
import { OwnMessages, type KeptMessage } from './own-messages.js';

const BODY = Buffer.from('{}');

let now: Date;
let releases: Release[];
let release: (release: Release) => Promise<void>;
let errors: string[];
let own: OwnMessages;

function create(store: Pick<Store, 'release'>): OwnMessages {
  const silent = (): void => undefined;
  const logger = { debug: silent, log: silent, warn: silent, error: (line: string) => void errors.push(line) };
  const options = { clock: { now: () => now }, guard: new StoreGuard(logger), lease: 'own' };
  return new OwnMessages({ ...options, store: store as Store });
}

beforeEach(() => {
  now = new Date('2026-11-23T12:00:00.000Z');
  [releases, errors] = [[], []];
  release = async (given) => void releases.push(given);
  own = create({ release: (given) => release(given) });
  own.open();
  own.caughtUp();
});
afterEach(() => {
  jest.useRealTimers();
});

function message(id: string, { source = 'dbt', body = BODY as Uint8Array } = {}): NewMessage {
  const digest = new Uint8Array(32);
  return { id, source, provider: 'probe', messageKey: id, digest, headers: { 'x-id': id }, body, receivedAt: now };
}

/** Claims and keeps messages, as the receiver does when the store has accepted them. */
function keep(...messages: readonly NewMessage[]): void {
  for (const one of messages) {
    const claim = own.claimFor(one.body, now);
    if (!claim) throw new Error(`expected a claim for ${one.id}`);
    own.keep({ ...one, claim }, claim);
  }
}

const idsOf = (kept: readonly KeptMessage[]) => kept.map(({ message: { id } }) => id);
const after = (ms: number) => new Date(now.getTime() + ms);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('OwnMessages', () => {
  it('claims messages with the lease of the process', () => {
    expect(own.claimFor(BODY, now)).toEqual({ lease: 'own', until: after(LIMITS.leaseMs) });
    expect(own.claimFor(BODY, after(5))?.until).toEqual(after(LIMITS.leaseMs + 5));
  });

  it('claims nothing before a worker has started and has parsed what waited, or after it stopped', async () => {
    own = create({ release });
    own.caughtUp();
    const beforeStart = own.claimFor(BODY, now);
    own = create({ release });
    own.open();
    const behind = own.claimFor(BODY, now);
    own.caughtUp();
    const caughtUp = own.claimFor(BODY, now);
    await own.close();
    expect([beforeStart, behind, caughtUp?.lease, own.claimFor(BODY, now)]).toEqual([
      undefined,
      undefined,
      'own',
      undefined,
    ]);
  });

  it('claims nothing if the store has no such claims', () => {
    own = create({});
    own.open();
    own.caughtUp();
    expect(own.claimFor(BODY, now)).toBeUndefined();
  });

  it.each([
    ['messages', LIMITS.ownMessagesMax, 1],
    ['bytes', 16, LIMITS.ownMessagesBytesMax / 16],
  ])('claims no more %s than the limit, and nothing until the worker has caught up', (_, count, bytes) => {
    const body = new Uint8Array(bytes);
    const claims = Array.from({ length: count + 1 }, () => own.claimFor(body, now) !== undefined);
    expect([claims.filter(Boolean).length, claims.at(-1), own.count]).toEqual([count, false, count]);
    own.forget(body);
    expect(own.claimFor(body, now)).toBeUndefined();
    own.caughtUp();
    expect(own.claimFor(body, now)).toBeDefined();
  });

  it('returns a message as if it had been claimed from the store', () => {
    keep(message('a'));
    const { digest: _, ...stored } = message('a');
    const [kept] = own.take(10);
    expect(kept?.message).toMatchObject({ ...stored, state: 'stored', claims: 1, withoutHandlers: false });
    expect(kept?.message).not.toHaveProperty('claim');
  });

  it('returns messages of each source in their order, the sources in turn', () => {
    keep(message('a1'), message('a2'), message('a3'), message('b1', { source: 'other' }));
    expect([own.isWaiting, own.sourcesLeft]).toEqual([true, []]);
    expect([idsOf(own.take(3)), own.count, own.sourcesLeft]).toEqual([['a1', 'b1', 'a2'], 1, ['dbt']]);
    expect([idsOf(own.take(3)), own.count, own.sourcesLeft]).toEqual([['a3'], 0, []]);
    expect(own.isWaiting).toBe(false);
  });

  it('gives messages back whose lease ends soon, and claims none before they are parsed', async () => {
    keep(message('late'));
    now = after((LIMITS.leaseMs * 2) / 3 + 1);
    keep(message('fresh'));
    expect(idsOf(own.take(10))).toEqual(['fresh']);
    await turn();
    expect(releases).toEqual([{ lease: 'own', messageIds: ['late'], deliveryIds: [] }]);
    expect(own.claimFor(BODY, now)).toBeUndefined();
  });

  it('gives no message back when the clock is set back', () => {
    keep(message('a'));
    now = after(-3_600_000);
    expect(idsOf(own.take(10))).toEqual(['a']);
  });

  it('returns messages that were put back before all others of their source', () => {
    keep(message('a'), message('b'));
    const taken = own.take(2);
    keep(message('c'));
    own.putBack(taken);
    expect([own.count, idsOf(own.take(10)), own.count]).toEqual([3, ['a', 'b', 'c'], 0]);
  });

  it('keeps the room of messages until they are recorded, because they can be put back', () => {
    const body = new Uint8Array(LIMITS.ownMessagesBytesMax / 4);
    keep(...['a', 'b', 'c', 'd'].map((id) => message(id, { body })));
    const taken = own.take(2);
    expect(own.claimFor(body, now)).toBeUndefined();
    own.putBack(taken);
    own.caughtUp();
    expect([own.count, own.claimFor(body, now)]).toEqual([4, undefined]);
    own.take(2);
    own.putBack([]);
    own.caughtUp();
    keep(message('e', { body }), message('f', { body }));
    expect(own.claimFor(body, now)).toBeUndefined();
  });

  it('gives back messages that may have been stored until their leases end', async () => {
    const claim = own.claimFor(BODY, now)!;
    const laterClaim = own.claimFor(BODY, after(5))!;
    own.lose('lost', claim);
    own.forget(BODY);
    expect([own.isWaiting, own.claimFor(BODY, now)]).toEqual([true, undefined]);
    release = () => Promise.reject(new StoreUnavailableError('the disk is full'));
    await expect(own.giveBackLost()).rejects.toThrow('the disk is full');
    release = async (given) => void releases.push(given);
    own.lose('other', claim);
    expect([await own.giveBackLost(), await own.giveBackLost(), own.isWaiting]).toEqual([true, false, true]);
    expect(releases).toEqual([{ lease: 'own', messageIds: ['lost', 'other'], deliveryIds: [] }]);
    now = claim.until;
    own.lose('third', laterClaim);
    await own.giveBackLost();
    await own.close();
    expect(releases.map(({ messageIds }) => messageIds)).toEqual([
      ['lost', 'other'],
      ['lost', 'other', 'third'],
      ['third'],
    ]);
    own.lose('late', claim);
    await turn();
    expect(releases.at(-1)?.messageIds).toEqual(['third', 'late']);
  });

  it('claims nothing as long as messages that may have been stored can become unclaimed', async () => {
    const claim = own.claimFor(BODY, now)!;
    own.lose('lost', claim);
    await own.giveBackLost();
    own.beginClaim();
    own.caughtUp();
    expect(own.claimFor(BODY, now)).toBeUndefined();
    now = claim.until;
    own.lose('lost', claim);
    await own.giveBackLost();
    own.beginClaim();
    own.caughtUp();
    expect(own.claimFor(BODY, now)).toBeDefined();
  });

  it('claims nothing until messages that were late in their lease are given back, also after a failure', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    keep(message('late'));
    now = after((LIMITS.leaseMs * 2) / 3 + 1);
    release = () => Promise.reject(new StoreUnavailableError('the disk is full'));
    own.take(10);
    await turn();
    own.beginClaim();
    own.caughtUp();
    expect([own.isWaiting, own.claimFor(BODY, now)]).toEqual([true, undefined]);
    let written = (): void => undefined;
    release = () => new Promise((resolve) => (written = resolve));
    jest.advanceTimersByTime(LIMITS.pollMs);
    const givenBack = own.giveBackLost();
    // A claim that begins before the release may not see the message.
    own.beginClaim();
    written();
    await givenBack;
    own.caughtUp();
    expect([own.isWaiting, own.claimFor(BODY, now)]).toEqual([false, undefined]);
    own.beginClaim();
    own.caughtUp();
    expect(own.claimFor(BODY, now)).toBeDefined();
  });

  it('gives back all messages when it closes', async () => {
    keep(message('a'), message('b', { source: 'other' }));
    await own.close();
    expect(releases).toEqual([{ lease: 'own', messageIds: ['a', 'b'], deliveryIds: [] }]);
    expect([own.count, own.take(10)]).toEqual([0, []]);
  });

  it('gives back a message that is stored while it closes', async () => {
    const claim = own.claimFor(BODY, now)!;
    await own.close();
    own.keep(message('a'), claim);
    await turn();
    expect([own.count, releases.map(({ messageIds }) => messageIds)]).toEqual([0, [['a']]]);
  });

  it('gives back messages that could not be recorded when it was closed', async () => {
    keep(message('a'));
    const taken = own.take(1);
    await own.close();
    own.putBack(taken);
    await turn();
    expect([own.count, releases.map(({ messageIds }) => messageIds)]).toEqual([0, [['a']]]);
  });

  it('closes, and logs the failure, when the store is unavailable', async () => {
    release = () => Promise.reject(new StoreUnavailableError('the disk is full'));
    keep(message('a'));
    await own.close();
    expect(errors).toEqual([expect.stringContaining('the disk is full')]);
  });
});
