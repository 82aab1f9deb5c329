import { parseArgs } from 'node:util';

export const USAGE = `Usage: npm run test:crash -- [options]

Sends webhooks over HTTP to an app with an SQLite inbox, kills its process with SIGKILL at random moments, starts it
again on the same file, and checks what is in the inbox, and what the handlers did, against what was acknowledged.
First with one process on a file, then with two that share one. Exits with 0 only if every promise was kept.

SIGKILL ends a process, not the machine: the operating system keeps what was written to files. That a commit also
survives a power cut rests on SQLite's synchronous=FULL, and is not tried here.

  --kills <number>       kills with one process on the file (default 200)
  --pair-kills <number>  kills with two processes on the file (default: a fifth of --kills)
  --seed <number>        repeats the choices of a run: which kills, when, what is sent (default: a new one)
  --keep                 keep the files, also if all went well
  --json                 one JSON document on stdout, progress on stderr
  --help                 this text`;

export interface Options {
  readonly kills: number;
  readonly pairKills: number;
  readonly seed: number;
  readonly keep: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

/** Throws an error that says what is wrong with the command line. */
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
  if (!/^\d+$/.test(text) || number > 2 ** 32) throw new Error(`--${name}: found "${text}"; expected a whole number`);
  return number;
}
