import { describeNote, type ParseResult, validatePayload } from 'nestjs-runhooks/core';
import { messageKindOf } from './message-kind.js';
import { ParadimePayload } from './payload.js';
import { completedSignal, startedSignal } from './signal.js';

/** Parses a run in the shape of a webhook's body, whether a webhook or a sweep reported it. */
export function parseRun(sent: unknown, receivedAt: Date): ParseResult {
  const validated = validatePayload(ParadimePayload, sent);
  if (!validated.ok) return { state: 'quarantined', reason: validated.reason };
  const { payload, notes } = validated;
  const found = messageKindOf(payload, sent as Readonly<Record<string, unknown>>);
  const oddStatus = notes.find(({ path }) => path === 'status');
  switch (found.kind) {
    case 'started':
      return {
        state: 'parsed',
        messageType: 'bolt.run.started',
        payload,
        notes,
        signal: startedSignal(payload, receivedAt),
      };
    case 'completed':
      // The status decides the outcome of completed runs only.
      if (oddStatus) return { state: 'quarantined', reason: describeNote(oddStatus) };
      return {
        state: 'parsed',
        messageType: 'bolt.run.completed',
        payload,
        notes,
        signal: completedSignal(payload, receivedAt),
      };
    case 'unclear':
      return { state: 'unrecognized', reason: found.reason, messageType: 'unknown', payload, notes };
  }
}
