import { describe, expect, it } from '@jest/globals';
import { LIMITS } from '../limits.js';
import { lineLogger, type Logger } from './logger.js';

const CODE = 'RUNHOOKS_TEST';

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
    lineLogger(host)[level]('a job named x\n\u001b[2Kmessage msg_1 was accepted', { code: CODE });
    expect(host.lines).toEqual([
      String.raw`${level} a job named x\n\u001b[2Kmessage msg_1 was accepted [RUNHOOKS_TEST]`,
    ]);
  });

  it.each(LEVELS)('survives a host whose logger throws at level %s', (level) => {
    const fail = (): never => {
      throw new Error('the disk of the log is full');
    };
    const host: Logger = { debug: fail, log: fail, warn: fail, error: fail };
    expect(() => lineLogger(host)[level]('a line', { code: CODE })).not.toThrow();
  });

  it.each(LEVELS)('calls the host at level %s with what logArguments returns for a line that has fields', (level) => {
    const calls: unknown[][] = [];
    const note = (...args: unknown[]) => calls.push(args);
    const logger = lineLogger({ debug: note, log: note, warn: note, error: note }, (text, fields) => [fields, text]);
    logger[level]('a run of x\ny', { messageId: 'msg_1', runId: '7\u202e', handlerId: undefined, code: CODE });
    expect(calls).toEqual([
      [{ messageId: 'msg_1', runId: String.raw`7\u202e`, code: CODE }, String.raw`a run of x\ny [RUNHOOKS_TEST]`],
    ]);
    expect(calls[0]?.[0]).not.toHaveProperty('handlerId');
  });

  it('hands the text alone to the host without logArguments', () => {
    const calls: unknown[][] = [];
    const note = (...args: unknown[]) => calls.push(args);
    lineLogger({ debug: note, log: note, warn: note, error: note }).log('a line', { messageId: 'msg_1' });
    expect(calls).toEqual([['a line']]);
  });

  it('keeps the code at the end of a line that is cut', () => {
    const lines: unknown[] = [];
    const note = (line: unknown) => lines.push(line);
    lineLogger({ debug: note, log: note, warn: note, error: note }).error('x'.repeat(100_000), { code: CODE });
    expect(lines).toEqual([expect.stringMatching(/x \[RUNHOOKS_TEST\]$/)]);
    expect(String(lines[0])).toHaveLength(LIMITS.lineCharsMax);
  });

  it('survives logArguments that throws', () => {
    const calls: unknown[][] = [];
    const note = (...args: unknown[]) => calls.push(args);
    const fail = (): never => {
      throw new Error('no form for that');
    };
    const logger = lineLogger({ debug: note, log: note, warn: note, error: note }, fail);
    expect(() => logger.warn('a line', { messageId: 'msg_1', code: CODE })).not.toThrow();
  });
});
