import { describe, expect, it } from '@jest/globals';
import { HELP, readCommandLine } from './command-line.js';
import { runCommand } from './command.js';

const URL = 'postgres://me:secret@host/db';

describe('the command line', () => {
  it('takes options in any order and form', () => {
    const expected = { command: 'migrate', from: 'a.db', to: URL };
    expect(readCommandLine(['migrate', '--from', 'a.db', '--to', URL])).toEqual({ ...expected, json: false });
    expect(readCommandLine(['--to', URL, '--schema=mine', '--json', '--from=a.db', 'migrate'])).toEqual({
      ...expected,
      schema: 'mine',
      json: true,
    });
  });

  it.each([[[]], [['--help']], [['-h']], [['migrate', '--help']], [['migrate', '--from', 'a.db', '--help']]])(
    'shows the help for %j',
    async (args) => {
      let output = '';
      const write = (text: string): void => void (output += text);
      expect(await runCommand(args, { write }, { write })).toBe(0);
      expect(output).toBe(HELP);
    },
  );

  it.each([
    [['move', '--from', 'a.db', '--to', URL], 'the only command is "migrate"'],
    [['migrate', '--from', 'a.db', URL], 'a word too many'],
    [['migrate', '--from', 'a.db'], '--to is missing'],
    [['migrate', '--to', URL], '--from is missing'],
    [['migrate', '--from', '--to', URL], '--from needs a value'],
    [['migrate', '--from=', '--to', URL], '--from needs a value'],
    [['migrate', '--from', 'a.db', '--to'], '--to needs a value'],
    [['migrate', '--from', 'a.db', '--too', URL], 'there is no option --too'],
    [['migrate', '--from', 'a.db', `--too=${URL}`], 'there is no option --too'],
    [['migrate', '--from', 'a.db', '--to', URL, `--json=${URL}`], '--json takes no value'],
  ])('%j is wrong, and the answer does not show the URL', async (args, says) => {
    let [output, errors] = ['', ''];
    const code = await runCommand(args, { write: (text) => (output += text) }, { write: (text) => (errors += text) });
    expect([code, output]).toEqual([2, '']);
    expect(errors).toContain(says);
    expect(errors).not.toContain('secret');
  });
});
