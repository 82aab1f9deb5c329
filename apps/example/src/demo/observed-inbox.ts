import type { AttemptOutcome, ClaimedDelivery, MessageState, Store, StoreFactory } from 'nestjs-runhooks/core';

/** A message once it was read. */
export interface MessageSeen {
  readonly kind: 'message';
  readonly source: string;
  readonly state: MessageState;
}

/** One attempt of a handler. */
export interface AttemptSeen {
  readonly kind: 'handled';
  readonly handler: string;
  readonly type: string;
  readonly provider: string;
  /** Null for a provider's own message. */
  readonly runId: string | null;
  readonly runStatus: string | null;
  readonly attempt: number;
  readonly outcome: AttemptOutcome;
}

export type Seen = MessageSeen | AttemptSeen;

/** The same inbox, with somebody looking on: an inbox is a port, so it can be wrapped. */
export function observedInbox(inbox: StoreFactory, tell: (seen: Seen) => void): StoreFactory {
  return { createStore: (logger) => observedStore(inbox.createStore(logger), tell) };
}

function observedStore(store: Store, tell: (seen: Seen) => void): Store {
  const sourceOf = new Map<string, string>();
  const deliveries = new Map<string, ClaimedDelivery>();
  const verbs: Partial<Store> = {
    async claimMessages(...args) {
      const messages = await store.claimMessages(...args);
      for (const { id, source } of messages) sourceOf.set(id, source);
      return messages;
    },
    async record(recordings, now) {
      const results = await store.record(recordings, now);
      recordings.forEach(({ messageId, state }, index) => {
        if (results[index]?.recorded) tell({ kind: 'message', source: sourceOf.get(messageId) ?? '', state });
      });
      return results;
    },
    async claimDeliveries(...args) {
      const claimed = await store.claimDeliveries(...args);
      for (const delivery of claimed) deliveries.set(delivery.id, delivery);
      return claimed;
    },
    async settle(...args) {
      const settled = await store.settle(...args);
      const [{ deliveryId, attempt }] = args;
      const delivery = deliveries.get(deliveryId);
      if (settled && delivery) tell(attemptSeen(delivery, attempt.outcome));
      return settled;
    },
  };
  return new Proxy(store, {
    get(_store, name: keyof Store) {
      const member: unknown = verbs[name] ?? store[name];
      return typeof member === 'function' ? member.bind(store) : member;
    },
  });
}

function attemptSeen({ handlerId, attempt, event }: ClaimedDelivery, outcome: AttemptOutcome): AttemptSeen {
  const { run } = JSON.parse(event.data) as { run?: { id: string; status: string } };
  return {
    kind: 'handled',
    handler: handlerId,
    type: event.type,
    provider: event.provider,
    runId: run?.id ?? null,
    runStatus: run?.status ?? null,
    attempt,
    outcome,
  };
}
