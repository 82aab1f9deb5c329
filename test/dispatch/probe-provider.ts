import type { Provider, ReceivedMessage, ParseResult, Run, RunSignalType, Verification } from 'nestjs-runhooks/core';

/** Content of a probe message. The probe is a provider for tests, written as a third party would write one. */
export interface ProbeMessage {
  /** Signed id of the message. */
  readonly id?: string;
  readonly account?: string;
  readonly run?: string;
  readonly job?: string;
  readonly types?: readonly RunSignalType[];
  /** Kind of the message if it is not about a run: an unrecognized type, a test, or content that cannot be parsed. */
  readonly as?: 'unrecognized' | 'test' | 'quarantined';
}

export const SIGNATURE = { 'x-probe-signature': 'good' };

/** A provider whose switches each reproduce a mistake or a delay that a provider can cause. */
export class ProbeProvider implements Provider {
  readonly name = 'probe';
  readonly signature = 'x-probe-signature';
  readonly isOpenToAnyone = false;
  readonly headersKept = ['x-probe-id'];
  /** Replacements of `parse`, by message. */
  readonly parseOverrides = new Map<string, () => unknown>();
  /** Makes the provider recognize the message types that it did not know before its upgrade. */
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
    const result = this.parseOverrides.get(run);
    if (result) return result() as ParseResult;
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
