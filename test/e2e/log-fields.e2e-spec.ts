import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, type LoggerService } from '@nestjs/common';
import { ConfigurationError, OnRunFailed, PermanentError, type LogArguments, type LogFields } from 'nestjs-runhooks';
import { startupError, closeApps, startHandlers } from './handlers-app.js';

afterEach(closeApps);

/** A logger that keeps the arguments of each call, with the context that Nest adds. */
class Calls implements LoggerService {
  readonly all: unknown[][] = [];

  debug = (...args: unknown[]): unknown => this.all.push(args);
  log = (...args: unknown[]): unknown => this.all.push(args);
  warn = (...args: unknown[]): unknown => this.all.push(args);
  error = (...args: unknown[]): unknown => this.all.push(args);

  ofRunhooks(): unknown[][] {
    return this.all.filter((args) => args.at(-1) === 'Runhooks').map((args) => args.slice(0, -1));
  }
}

@Injectable()
class OnCall {
  @OnRunFailed({ id: 'on-call.page' })
  page(_event: unknown, { attempt }: { readonly attempt: number }): void {
    throw attempt === 1 ? new Error('the pager is busy') : new PermanentError('no such pager');
  }
}

/**
 * Returns an app's log calls for a failed run whose handler fails twice, without ids and times that differ between
 * apps.
 */
async function calls(logArguments?: LogArguments): Promise<unknown[][]> {
  const host = new Calls();
  const app = await startHandlers({
    providers: [OnCall],
    override: (builder) => builder.setLogger(host),
    ...(logArguments && { webhooks: { logArguments } }),
  });
  await app.dbt({ event: 'failed', payload: { accountId: 1, data: { runId: '7', jobName: 'nightly' } } });
  await app.later();
  const text = JSON.stringify(host.ofRunhooks())
    .replace(/\b(msg|dlv)_\w+/g, '$1_…')
    .replace(/\d+ m?s\b/g, '… s');
  return JSON.parse(text) as unknown[][];
}

const textOf = ([first, ...more]: unknown[]): unknown => (typeof first === 'string' ? first : more[0]);

describe('logArguments', () => {
  it('keeps the text of all lines', async () => {
    const plain = await calls();
    const structured = await calls((text, fields) => [fields, text]);
    expect(plain.length).toBeGreaterThan(8);
    expect(plain.every(([text]) => typeof text === 'string')).toBe(true);
    expect(structured.map(textOf)).toEqual(plain.map(textOf));
  });

  it('receives the ids of each line about a source, a message, a handler or a delivery', async () => {
    const lines = await calls((text, fields) => [fields, text]);
    const fieldsOf = (part: string): LogFields[] =>
      lines.filter((args) => String(textOf(args)).includes(part)).map(([fields]) => fields as LogFields);
    const message = { source: 'dbt', messageId: 'msg_…' };
    const delivery = {
      ...message,
      eventId: 'run.failed:dbt/1/7',
      runId: '7',
      handlerId: 'on-call.page',
      deliveryId: 'dlv_…',
    };
    expect(fieldsOf('Source "dbt" (')).toEqual([{ source: 'dbt' }]);
    expect(fieldsOf('Handler "on-call.page"')).toEqual([{ handlerId: 'on-call.page' }]);
    expect(fieldsOf('was accepted')).toEqual([message]);
    expect(fieldsOf('run 7 of "nightly" failed')).toEqual([{ ...message, runId: '7' }]);
    expect(fieldsOf('the pager is busy')).toEqual([{ ...delivery, attempt: 1, code: 'RUNHOOKS_ATTEMPT_FAILED' }]);
    expect(fieldsOf('is now a dead letter')).toEqual([{ ...delivery, attempt: 2, code: 'RUNHOOKS_DEAD_LETTER' }]);
  });

  it('fails the startup when it is not a function', async () => {
    const error = await startupError({ webhooks: { logArguments: true as unknown as LogArguments } });
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toContain('logArguments: expected a function, got true');
  });
});
