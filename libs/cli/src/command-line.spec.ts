import { describe, expect, it } from '@jest/globals';
import { readCommandLine } from './command-line.js';
import { runCommand } from './command.js';
import { COMMAND_HELP, HELP } from './help.js';

const URL = 'postgres://me:secret@host/db';

describe('readCommandLine', () => {
  it('accepts options in any order and form', () => {
    const backup = { command: 'backup', from: 'a.db', to: 'b.db', json: true };
    expect(readCommandLine(['--json', '--to=b.db', 'backup', '--from', 'a.db'])).toEqual(backup);
    const expected = { command: 'move', from: 'a.db', to: URL };
    expect(readCommandLine(['move', '--from', 'a.db', '--to', URL])).toEqual({ ...expected, json: false });
    expect(readCommandLine(['--to', URL, '--schema=mine', '--json', '--from=a.db', 'move'])).toEqual({
      ...expected,
      schema: 'mine',
      json: true,
    });
  });

  it('accepts the URL of send without an option', () => {
    const url = 'http://localhost:3000/webhooks/dbt';
    const expected = { command: 'send', url, event: 'failed', json: false };
    expect(readCommandLine(['send', url, '--event', 'failed'])).toEqual(expected);
    expect(readCommandLine(['send', '--event=failed', url])).toEqual(expected);
  });

  it.each([
    [[], HELP],
    [['--help'], HELP],
    [['-h'], HELP],
    [['move', '--help'], COMMAND_HELP.move],
    [['move', '--from', 'a.db', '--help'], COMMAND_HELP.move],
    [['-h', 'backup'], COMMAND_HELP.backup],
    [['send', '-h'], COMMAND_HELP.send],
  ])('shows the help for %j', async (args, help) => {
    let output = '';
    const write = (text: string): void => void (output += text);
    expect(await runCommand(args, { write }, { write })).toBe(0);
    expect(output).toBe(help);
  });

  it.each([
    [['migrate', '--from', 'a.db', '--to', URL], 'expected a command first: backup, move, send'],
    [['--from', 'a.db', '--to', URL], 'expected a command first: backup, move, send'],
    [['backup', '--from', 'a.db'], '--to is missing'],
    [['backup', '--from', 'a.db', '--to', 'b.db', '--schema', 'mine'], 'unknown option --schema'],
    [['backup', 'a.db', '--from', 'a.db', '--to', 'b.db'], 'got more words'],
    [['move', '--from', 'a.db', URL], 'got more words'],
    [['move', '--from', 'a.db'], '--to is missing'],
    [['move', '--to', URL], '--from is missing'],
    [['move', '--from', '--to', URL], '--from needs a value'],
    [['move', '--from=', '--to', URL], '--from needs a value'],
    [['move', '--from', 'a.db', '--to'], '--to needs a value'],
    [['move', '--from', 'a.db', '--too', URL], 'unknown option --too'],
    [['move', '--from', 'a.db', `--too=${URL}`], 'unknown option --too'],
    [['move', '--from', 'a.db', '--to', URL, `--json=${URL}`], '--json takes no value'],
    [['send'], '<url> is missing'],
    [['send', URL, URL], 'got more words'],
    [['send', URL, '--from', 'a.db'], 'unknown option --from'],
    [['backup', '--from', 'a.db', '--to', 'b.db', '--event', 'failed'], 'unknown option --event'],
  ])('rejects %j without printing the URL', async (args, message) => {
    let [output, errors] = ['', ''];
    const code = await runCommand(args, { write: (text) => (output += text) }, { write: (text) => (errors += text) });
    expect([code, output]).toEqual([2, '']);
    expect(errors).toContain(message);
    expect(errors).not.toContain('secret');
    if (args.includes('send')) expect(errors).toContain('See nestjs-runhooks send --help');
  });
});
