import type { AttemptOutcome, EventSummary, Inbox, MessageOrigin, MessageState } from 'nestjs-runhooks';

/** A message after it was parsed. */
export interface MessageSeen {
  readonly kind: 'message';
  readonly source: string;
  readonly state: MessageState;
  /** `api` if a sweep found it. */
  readonly origin: MessageOrigin;
}

/** One attempt of a handler. */
export interface AttemptSeen {
  readonly kind: 'handled';
  readonly handler: string;
  readonly type: string;
  readonly provider: string;
  readonly runId: string | null;
  readonly runStatus: string | null;
  readonly attempt: number;
  readonly outcome: AttemptOutcome;
}

export type Seen = MessageSeen | AttemptSeen;

/** Returns the message and every attempt that followed from it, in the order the attempts started. */
export async function consequencesOf(inbox: Inbox, messageId: string): Promise<Seen[]> {
  const message = await inbox.message(messageId);
  if (!message) return [];
  const { source, state, origin } = message;
  const attempts: { startedAt: Date; seen: AttemptSeen }[] = [];
  const events = await inbox.events({ messageId });
  for (const event of events.items) {
    const deliveries = await inbox.deliveries({ eventId: event.id });
    for (const { id, handlerId } of deliveries.items) {
      for (const { attempt, outcome, startedAt } of await inbox.attempts(id)) {
        const seen: AttemptSeen = { kind: 'handled', handler: handlerId, ...factsOf(event), attempt, outcome };
        attempts.push({ startedAt, seen });
      }
    }
  }
  attempts.sort((a, b) => a.startedAt.getTime() - b.startedAt.getTime());
  return [{ kind: 'message', source, state, origin }, ...attempts.map(({ seen }) => seen)];
}

function factsOf({
  type,
  provider,
  data,
}: EventSummary): Pick<AttemptSeen, 'type' | 'provider' | 'runId' | 'runStatus'> {
  const { run } = JSON.parse(data) as { run?: { id: string; status: string } };
  return { type, provider, runId: run?.id ?? null, runStatus: run?.status ?? null };
}
