import { parseArgs } from 'node:util';

export const SETUPS = ['postgres', 'bullmq'] as const;

/** What the cluster stands on: Postgres alone, or Postgres with BullMQ on Redis. */
export type Setup = (typeof SETUPS)[number];

export const USAGE = `Usage: npm run test:cluster -- [options]

Starts two receivers and three workers on a PostgreSQL server, as processes of their own, and sends them signed
webhooks and duplicates over HTTP. Meanwhile, at random: SIGKILL of any of them, an immediate-mode restart of PostgreSQL,
and a dispatcher that is held up by SIGSTOP for longer than its lease. Then the same with BullMQ, and with FLUSHALL and
SIGKILL of Redis. At the end all that is in the inbox, and what the handlers did, is checked against what was
acknowledged. Exits with 0 only if every promise was kept.

The servers are started by the test, on ports of their own, and removed by it: it needs initdb (below
/usr/lib/postgresql, or where PG_BIN says) and redis-server. An immediate-mode stop ends a server, not the machine: what
was written, but not flushed to disk, is not lost by it.

  --on <set-up>       postgres or bullmq: only that (default: one after the other)
  --kills <number>    kills of processes in each set-up (default 20)
  --seconds <number>  time over which kills, restarts and the like are spread, in each set-up (default 60)
  --seed <number>     repeats the choices of a run: what happens when, what is sent (default: a new one)
  --keep              keep ledgers and logs, also if all went well
  --json              one JSON document on stdout, progress on stderr
  --help              this text`;

export interface Options {
  readonly setups: readonly Setup[];
  readonly kills: number;
  readonly seconds: number;
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
      on: { type: 'string' },
      kills: { type: 'string', default: '20' },
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string' },
      keep: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { on, keep, json, help } = values;
  const setups = SETUPS.filter((setup) => on === undefined || on === setup);
  if (setups.length === 0) throw new Error(`--on: found "${on}"; expected ${SETUPS.join(' or ')}`);
  return {
    setups,
    kills: readNumber('kills', values.kills),
    seconds: readNumber('seconds', values.seconds),
    seed: values.seed === undefined ? Date.now() % 2 ** 32 : readNumber('seed', values.seed),
    keep,
    json,
    help,
  };
}

function readNumber(name: string, text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number > 2 ** 32) throw new Error(`--${name}: found "${text}"; expected a whole number`);
  return number;
}
