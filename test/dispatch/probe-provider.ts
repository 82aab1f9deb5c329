import type { Provider, ReceivedMessage, ParseResult, Run, RunSignalType, Verification } from 'nestjs-runhooks/core';

/** What a message of the probe says: a provider written for tests, as a third party would write one. */
export interface ProbeMessage {
  /** Signed id. */
  readonly id?: string;
  readonly account?: string;
  readonly run?: string;
  readonly job?: string;
  readonly types?: readonly RunSignalType[];
  /** Instead of a run: a message type that is not known, a test, or something that cannot be read. */
  readonly as?: 'unrecognized' | 'test' | 'quarantined';
}

export const SIGNATURE = { 'x-probe-signature': 'good' };

/** Every switch of it is a thing that a provider may do wrong, or late. */
export class ProbeProvider implements Provider {
  readonly name = 'probe';
  readonly signature = 'x-probe-signature';
  readonly headersKept = ['x-probe-id'];
  /** What it does in place of reading, for messages it is told to. */
  readonly readings = new Map<string, () => unknown>();
  /** Message types it does not know yet, as before an upgrade. */
  upgraded = false;

  verify({ headers }: ReceivedMessage): Verification | Promise<Verification> {
    if (headers['x-probe-signature'] === SIGNATURE['x-probe-signature']) return { ok: true };
    return { ok: false, check: 'signature-mismatch', reason: 'Header "x-probe-signature" is not the one.' };
  }

  identify({ body }: ReceivedMessage): string {
    return messageOf(body).id ?? '';
  }

  parse({ body, receivedAt }: ReceivedMessage): ParseResult {
    const message = messageOf(body);
    const { account = '1', run = '1', job = 'job', types = ['run.succeeded', 'run.completed'], as } = message;
    const reading = this.readings.get(run);
    if (reading) return reading() as ParseResult;
    if (as === 'unrecognized' && !this.upgraded) {
      return { state: 'unrecognized', reason: 'no such type', messageType: 'probe.new', payload: message };
    }
    if (as === 'test') return { state: 'test', reason: 'a test' };
    if (as === 'quarantined' && !this.upgraded) return { state: 'quarantined', reason: 'not to be read' };
    const about: Run = {
      id: run,
      status: 'unknown',
      job: { key: job, name: job },
      account: { id: account },
      trigger: { kind: 'unknown' },
    };
    const signal = { types, occurredAt: receivedAt, run: about };
    return { state: 'parsed', messageType: 'probe.run', payload: message, signal };
  }
}

function messageOf(body: Uint8Array): ProbeMessage {
  return JSON.parse(Buffer.from(body).toString('utf8')) as ProbeMessage;
}
