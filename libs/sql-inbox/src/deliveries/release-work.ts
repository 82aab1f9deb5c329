import type { Release } from 'nestjs-runhooks/core';
import { sql } from 'kysely';
import type { SqlDialect } from '../schema/dialect.js';
import { AT_ONCE } from '../schema/due.js';
import { change, command, type Transaction } from '../schema/statement.js';

/** Gives back messages and deliveries that are claimed with one lease and have not begun. They are due at once. */
export function releaseWork({ db, list, isOneOf }: SqlDialect): (release: Release, now: Date) => Transaction<void> {
  const releaseMessages = change<{ ids: string; lease: string }>((value) =>
    db
      .updateTable('messages')
      .set({ due_at: AT_ONCE, lease: null })
      .where((eb) => isOneOf(eb.ref('id'), value('ids')))
      .where('lease', '=', value('lease')),
  );
  const releaseDeliveries = change<{ ids: string; lease: string; now: number }>((value) =>
    db
      .updateTable('deliveries')
      .set((eb) => ({ due_at: value('now'), lease: null, attempts: eb('attempts', '-', 1) }))
      .where((eb) => isOneOf(eb.ref('id'), value('ids')))
      .where('lease', '=', value('lease')),
  );
  return function* ({ lease, messageIds, deliveryIds }, now) {
    if (messageIds.length > 0) yield* releaseMessages({ ids: list(messageIds), lease });
    if (deliveryIds.length > 0) yield* releaseDeliveries({ ids: list(deliveryIds), lease, now: now.getTime() });
  };
}

/**
 * Frees all work that is claimed by a process that is gone: with its lease, or with a token that begins with it and a period.
 * Attempts stay counted, because they may have begun. Only unfinished work is read.
 */
export function releaseLease({ db }: SqlDialect): (lease: string, now: Date) => Transaction<void> {
  return function* (lease, now) {
    // A slash follows a period.
    const [from, before] = [`${lease}.`, `${lease}/`];
    const isOfProcess = sql<boolean>`(lease = ${lease} or (lease >= ${from} and lease < ${before}))`;
    const free = { due_at: now.getTime(), lease: null };
    const messages = db.updateTable('messages').set({ ...free, due_at: AT_ONCE });
    yield* command(messages.where('due_at', 'is not', null).where(isOfProcess));
    const deliveries = db.updateTable('deliveries').set(free);
    yield* command(deliveries.where('due_at', 'is not', null).where(isOfProcess));
    yield* command(db.updateTable('tasks').set(free).where(isOfProcess));
    yield* command(db.updateTable('rounds').set(free).where(isOfProcess));
  };
}
