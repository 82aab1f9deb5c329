import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { ConsoleLogger, Logger as NestLogger, type ConsoleLoggerOptions } from '@nestjs/common';
import { createRequire } from 'node:module';
import type { LogArguments } from 'nestjs-runhooks/internal';
import { runhooksLogger } from './runhooks-logger.js';

const FIELDS = { source: 'dbt', messageId: 'msg_1' };

const { version } = createRequire(import.meta.url)('@nestjs/common/package.json') as { version: string };
const hasParams = Number.parseInt(version, 10) >= 12;

/** Returns the line that Nest's ConsoleLogger prints for a line with fields, without process id and time. */
function printed(options: ConsoleLoggerOptions, logArguments: LogArguments): object {
  const write = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  NestLogger.overrideLogger(new ConsoleLogger({ json: true, ...options }));
  runhooksLogger({ logArguments }).log('Message msg_1 was accepted', FIELDS);
  const lines = write.mock.calls.map(([line]) => String(line));
  write.mockRestore();
  expect(lines).toHaveLength(1);
  const { level, context, message, ...more } = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
  const fields = Object.entries(more).filter(([name]) => name in FIELDS);
  return { level, context, message, ...Object.fromEntries(fields) };
}

afterEach(() => {
  NestLogger.overrideLogger(new ConsoleLogger());
});

describe('runhooksLogger', () => {
  it('prints an object as one JSON line with ConsoleLogger', () => {
    expect(printed({}, (message, fields) => [{ message, ...fields }])).toEqual({
      level: 'log',
      context: 'Runhooks',
      message: { message: 'Message msg_1 was accepted', ...FIELDS },
    });
  });

  if (hasParams) {
    it('prints the fields beside the text with ConsoleLogger of Nest 12', () => {
      expect(printed({ flattenParams: true }, (message, fields) => [message, fields])).toEqual({
        level: 'log',
        context: 'Runhooks',
        message: 'Message msg_1 was accepted',
        ...FIELDS,
      });
    });
  }
});
