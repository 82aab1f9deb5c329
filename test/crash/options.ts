import { parseArgs } from 'node:util';

export const USAGE = `Usage: npm run test:crash -- [options]

Sends webhooks over HTTP to an app with an SQLite inbox, kills its process with SIGKILL at random moments, and starts it
again on the same file. It then compares the inbox and the effects of the handlers with the acknowledged messages. It
runs first with one process on a file, then with two processes on one file. It exits with 0 only if every guarantee holds.

SIGKILL ends a process, not the machine, so the operating system keeps everything written to files. Power cuts are not
tested here; commits survive them because of SQLite's synchronous=FULL.

  --kills <number>       kills with one process on the file (default 200)
  --pair-kills <number>  kills with two processes on the file (default: a fifth of --kills)
  --seed <number>        repeat the choices of a run: kills, times and webhooks (default: a new seed)
  --keep                 keep the files even on success
  --json                 print one JSON document on stdout, and progress on stderr
  --help                 print this text`;

export interface Options {
  readonly kills: number;
  readonly pairKills: number;
  readonly seed: number;
  readonly keep: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

/** Parses the command line. Throws an error that explains what is wrong with it. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kills: { type: 'string', default: '200' },
      'pair-kills': { type: 'string' },
      seed: { type: 'string' },
      keep: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const kills = readNumber('kills', values.kills);
  return {
    kills,
    pairKills:
      values['pair-kills'] === undefined ? Math.ceil(kills / 5) : readNumber('pair-kills', values['pair-kills']),
    seed: values.seed === undefined ? Date.now() % 2 ** 32 : readNumber('seed', values.seed),
    keep: values.keep,
    json: values.json,
    help: values.help,
  };
}

function readNumber(name: string, text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number > 2 ** 32) throw new Error(`--${name}: found "${text}"; expected an integer`);
  return number;
}
