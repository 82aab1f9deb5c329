import { describe, expect, it } from '@jest/globals';
import { lineLogger, type Logger } from './logger.js';

const LEVELS = ['debug', 'log', 'warn', 'error'] as const;

describe('lineLogger', () => {
  it.each(LEVELS)('hands a line of level %s to the host as one printable line, with the host as this', (level) => {
    const host = {
      lines: [] as string[],
      debug: note('debug'),
      log: note('log'),
      warn: note('warn'),
      error: note('error'),
    };
    function note(name: string) {
      return function (this: { lines: string[] }, line: string): void {
        this.lines.push(`${name} ${line}`);
      };
    }
    lineLogger(host)[level]('a job named x\n\u001b[2Kmessage msg_1 was accepted');
    expect(host.lines).toEqual([String.raw`${level} a job named x\n\u001b[2Kmessage msg_1 was accepted`]);
  });

  it.each(LEVELS)('survives a host whose logger throws at level %s', (level) => {
    const fail = (): never => {
      throw new Error('the disk of the log is full');
    };
    const host: Logger = { debug: fail, log: fail, warn: fail, error: fail };
    expect(() => lineLogger(host)[level]('a line')).not.toThrow();
  });

  it.each(LEVELS)('calls the host at level %s with what logArguments returns for a line that has fields', (level) => {
    const calls: unknown[][] = [];
    const note = (...args: unknown[]) => calls.push(args);
    const logger = lineLogger({ debug: note, log: note, warn: note, error: note }, (text, fields) => [fields, text]);
    logger[level]('a run of x\ny', { messageId: 'msg_1', runId: '7\u202e', attempt: 2, handlerId: undefined });
    logger[level]('no ids');
    expect(calls).toEqual([
      [{ messageId: 'msg_1', runId: String.raw`7\u202e`, attempt: 2 }, String.raw`a run of x\ny`],
      ['no ids'],
    ]);
    expect(calls[0]?.[0]).not.toHaveProperty('handlerId');
  });

  it('hands the text alone to the host without logArguments', () => {
    const calls: unknown[][] = [];
    const note = (...args: unknown[]) => calls.push(args);
    lineLogger({ debug: note, log: note, warn: note, error: note }).warn('a line', { messageId: 'msg_1' });
    expect(calls).toEqual([['a line']]);
  });

  it('survives logArguments that throws', () => {
    const calls: unknown[][] = [];
    const note = (...args: unknown[]) => calls.push(args);
    const fail = (): never => {
      throw new Error('no form for that');
    };
    const logger = lineLogger({ debug: note, log: note, warn: note, error: note }, fail);
    expect(() => logger.warn('a line', { messageId: 'msg_1' })).not.toThrow();
  });
});
