import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { resolveHandlerOptions, type HandlerOptions } from '../handlers/handler.js';
import { HandlerSet } from '../handlers/handler-set.js';
import { LIMITS } from '../limits.js';
import { restoreMessage } from '../sources/message.js';
import type { ClaimedDelivery } from '../store/claim.js';
import { LostClaims } from '../store/lost-claims.js';
import type { Store } from '../store/store.js';
import { ReadyDeliveries } from './ready-deliveries.js';

const NOW = new Date('2026-11-23T12:00:00.000Z');
const CLAIM = { lease: 'own', until: new Date(NOW.getTime() + LIMITS.leaseMs) };
const BODY = Buffer.from('{}');
const ROUTED = { id: 'dlv', handlerId: 'handler' };

let paused: string[];
let released: (readonly string[])[];
let lost: LostClaims;

beforeEach(() => {
  [paused, released] = [[], []];
  const release: Store['release'] = async ({ deliveryIds }) => void released.push(deliveryIds);
  lost = new LostClaims({ store: { release }, clock: { now: () => NOW }, lease: 'own', kind: 'deliveryIds' });
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

function readyFor(max: number): ReadyDeliveries {
  const handlers = new HandlerSet();
  const add = (id: string, options: HandlerOptions = {}): void =>
    handlers.add({
      ...resolveHandlerOptions(id, options),
      label: id,
      subscriptions: [],
      invoke: async () => undefined,
    });
  add('handler');
  add('bounded', { concurrency: 5 });
  return new ReadyDeliveries({
    handlers,
    lease: 'own',
    max,
    waitMs: LIMITS.readyMs,
    isPaused: (id) => paused.includes(id),
    lost,
  });
}

function delivery(id: string, body?: Uint8Array): ClaimedDelivery {
  const message = body && {
    message: restoreMessage({
      id: 'message',
      source: 'probe',
      provider: 'probe',
      messageKey: '',
      state: 'parsed',
      headers: {},
      body,
      receivedAt: NOW,
    }),
  };
  const event = { id: 'event', type: 'run.failed', provider: 'probe', source: 'probe', data: '{}' };
  return { id, handlerId: 'handler', attempt: 1, attemptsBefore: 0, replayId: '', lease: 'own', event, ...message };
}

const claims = (ready: ReadyDeliveries, count: number) =>
  Array.from({ length: count }, () => ready.claimFor(ROUTED, BODY, NOW) !== undefined);
const idsOf = (taken: readonly { delivery: ClaimedDelivery }[]) => taken.map(({ delivery: { id } }) => id);

describe('ReadyDeliveries', () => {
  it('claims a new delivery with the lease of the process', () => {
    expect(readyFor(1).claimFor(ROUTED, BODY, NOW)).toEqual(CLAIM);
  });

  it.each([
    ['in a lane', { ...ROUTED, lane: 'lane' }],
    ['of a handler with its own concurrency', { ...ROUTED, handlerId: 'bounded' }],
    ['of an unknown handler', { ...ROUTED, handlerId: 'elsewhere' }],
    ['of a paused handler', ROUTED],
  ])('claims no delivery %s', (what, routed) => {
    if (what.includes('paused')) paused.push('handler');
    expect(readyFor(1).claimFor(routed, BODY, NOW)).toBeUndefined();
  });

  it('claims no more deliveries than can wait, those of the current recordings included', () => {
    const ready = readyFor(3);
    ready.add(delivery('a'), NOW);
    expect(claims(ready, 3)).toEqual([true, true, false]);
  });

  it('claims no more bytes than the limit, those of the current recordings included', () => {
    const ready = readyFor(100);
    const body = new Uint8Array(LIMITS.readyBytesMax / 4);
    ready.add(delivery('a', body), NOW);
    ready.add(delivery('b', body), NOW);
    const isClaimed = (): boolean => ready.claimFor(ROUTED, body, NOW) !== undefined;
    expect([isClaimed(), isClaimed(), isClaimed()]).toEqual([true, true, false]);
    ready.beginRecording();
    ready.take(1);
    ready.isBehind = false;
    expect([isClaimed(), isClaimed(), isClaimed(), isClaimed()]).toEqual([true, true, true, false]);
    ready.beginRecording();
    ready.takeAll();
    ready.isBehind = false;
    expect([isClaimed(), isClaimed(), isClaimed(), isClaimed(), isClaimed()]).toEqual([true, true, true, true, false]);
  });

  it('counts deliveries of recordings no longer once the next ones begin', () => {
    const ready = readyFor(2);
    expect(claims(ready, 2)).toEqual([true, true]);
    ready.beginRecording();
    expect(claims(ready, 2)).toEqual([true, true]);
  });

  it('releases claims of failed recordings, except those of deliveries that became ready', async () => {
    const ready = readyFor(5);
    ready.beginRecording();
    for (const id of ['a', 'b', 'c']) ready.claimFor({ ...ROUTED, id }, BODY, NOW);
    ready.add(delivery('b'), NOW);
    ready.recordingFailed();
    await lost.release();
    expect(released).toEqual([['a', 'c']]);
  });

  it('forgets claims of recordings that were written', () => {
    const ready = readyFor(5);
    ready.claimFor(ROUTED, BODY, NOW);
    ready.beginRecording();
    ready.recordingFailed();
    expect(lost.count).toBe(0);
  });

  it('keeps the room of deliveries that may have been claimed by failed recordings', () => {
    const ready = readyFor(3);
    for (const id of ['a', 'b']) ready.claimFor({ ...ROUTED, id }, BODY, NOW);
    ready.recordingFailed();
    ready.beginRecording();
    expect(claims(ready, 2)).toEqual([true, false]);
  });

  it('claims nothing after a delivery had no room until no unclaimed delivery waits', () => {
    const ready = readyFor(1);
    expect(claims(ready, 2)).toEqual([true, false]);
    ready.beginRecording();
    expect(claims(ready, 1)).toEqual([false]);
    ready.isBehind = false;
    expect(claims(ready, 1)).toEqual([true]);
  });

  it('claims nothing while unclaimed deliveries wait in the store, or if the store supports no such claims', () => {
    const ready = readyFor(5);
    ready.isBehind = true;
    expect([...claims(ready, 1), ...claims(readyFor(0), 1)]).toEqual([false, false]);
  });

  it('returns deliveries in the order in which they came, at most as many as have a place', () => {
    const ready = readyFor(5);
    for (const id of ['a', 'b', 'c']) ready.add(delivery(id), NOW);
    expect([idsOf(ready.take(0)), idsOf(ready.take(-1)), idsOf(ready.take(2)), ready.count]).toEqual([
      [],
      [],
      ['a', 'b'],
      1,
    ]);
  });

  it('returns deliveries as overdue once they have waited for long enough, and no younger ones', () => {
    const ready = readyFor(5);
    ready.add(delivery('old'), NOW);
    jest.advanceTimersByTime(LIMITS.readyMs - 1);
    ready.add(delivery('young'), NOW);
    expect([ready.takeOverdue(), ready.overdueInMs]).toEqual([[], 1]);
    jest.advanceTimersByTime(1);
    expect(idsOf(ready.takeOverdue())).toEqual(['old']);
    expect([ready.count, idsOf(ready.take(5))]).toEqual([1, ['young']]);
  });

  it('knows of no overdue delivery as long as none waits', () => {
    expect(readyFor(5).overdueInMs).toBe(Infinity);
  });

  it('claims no more after it was closed', () => {
    const ready = readyFor(5);
    for (const id of ['a', 'b']) ready.add(delivery(id), NOW);
    ready.close();
    expect(idsOf(ready.takeAll())).toEqual(['a', 'b']);
    expect([ready.count, ...claims(ready, 1)]).toEqual([0, false]);
  });

  it('starts nothing that is recorded after it was closed', () => {
    const ready = readyFor(5);
    ready.close();
    ready.add(delivery('late'), NOW);
    expect([idsOf(ready.take(5)), idsOf(ready.takeAll())]).toEqual([[], ['late']]);
  });
});
