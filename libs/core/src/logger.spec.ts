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
});
