import { describe, expect, it } from '@jest/globals';
import { readCommandLine } from './command-line.js';
import { runCommand } from './command.js';
import { COMMAND_HELP, HELP } from './help.js';

const URL = 'postgres://me:secret@host/db';

describe('the command line', () => {
  it('takes options in any order and form', () => {
    const backup = { command: 'backup', from: 'a.db', to: 'b.db', json: true };
    expect(readCommandLine(['--json', '--to=b.db', 'backup', '--from', 'a.db'])).toEqual(backup);
    const expected = { command: 'migrate', from: 'a.db', to: URL };
    expect(readCommandLine(['migrate', '--from', 'a.db', '--to', URL])).toEqual({ ...expected, json: false });
    expect(readCommandLine(['--to', URL, '--schema=mine', '--json', '--from=a.db', 'migrate'])).toEqual({
      ...expected,
      schema: 'mine',
      json: true,
    });
  });

  it('takes the address of a webhook without a name', () => {
    const url = 'http://localhost:3000/webhooks/dbt';
    const expected = { command: 'send', url, event: 'failed', json: false };
    expect(readCommandLine(['send', url, '--event', 'failed'])).toEqual(expected);
    expect(readCommandLine(['send', '--event=failed', url])).toEqual(expected);
  });

  it.each([
    [[], HELP],
    [['--help'], HELP],
    [['-h'], HELP],
    [['migrate', '--help'], COMMAND_HELP.migrate],
    [['migrate', '--from', 'a.db', '--help'], COMMAND_HELP.migrate],
    [['-h', 'backup'], COMMAND_HELP.backup],
    [['send', '-h'], COMMAND_HELP.send],
  ])('shows the help for %j', async (args, help) => {
    let output = '';
    const write = (text: string): void => void (output += text);
    expect(await runCommand(args, { write }, { write })).toBe(0);
    expect(output).toBe(help);
  });

  it.each([
    [['move', '--from', 'a.db', '--to', URL], 'expected a command first: backup, migrate, send'],
    [['--from', 'a.db', '--to', URL], 'expected a command first: backup, migrate, send'],
    [['backup', '--from', 'a.db'], '--to is missing'],
    [['backup', '--from', 'a.db', '--to', 'b.db', '--schema', 'mine'], 'there is no option --schema'],
    [['backup', 'a.db', '--from', 'a.db', '--to', 'b.db'], 'a word too many'],
    [['migrate', '--from', 'a.db', URL], 'a word too many'],
    [['migrate', '--from', 'a.db'], '--to is missing'],
    [['migrate', '--to', URL], '--from is missing'],
    [['migrate', '--from', '--to', URL], '--from needs a value'],
    [['migrate', '--from=', '--to', URL], '--from needs a value'],
    [['migrate', '--from', 'a.db', '--to'], '--to needs a value'],
    [['migrate', '--from', 'a.db', '--too', URL], 'there is no option --too'],
    [['migrate', '--from', 'a.db', `--too=${URL}`], 'there is no option --too'],
    [['migrate', '--from', 'a.db', '--to', URL, `--json=${URL}`], '--json takes no value'],
    [['send'], '<url> is missing'],
    [['send', URL, URL], 'a word too many'],
    [['send', URL, '--from', 'a.db'], 'there is no option --from'],
    [['backup', '--from', 'a.db', '--to', 'b.db', '--event', 'failed'], 'there is no option --event'],
  ])('%j is wrong, and the answer does not show the URL', async (args, says) => {
    let [output, errors] = ['', ''];
    const code = await runCommand(args, { write: (text) => (output += text) }, { write: (text) => (errors += text) });
    expect([code, output]).toEqual([2, '']);
    expect(errors).toContain(says);
    expect(errors).not.toContain('secret');
    if (args.includes('send')) expect(errors).toContain('See nestjs-runhooks send --help');
  });
});
