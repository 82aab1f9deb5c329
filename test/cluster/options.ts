import { parseArgs } from 'node:util';

export const SETUPS = ['postgres', 'bullmq'] as const;

/** The servers below a cluster: Postgres alone, or Postgres with BullMQ on Redis. */
export type Setup = (typeof SETUPS)[number];

export const USAGE = `Usage: npm run test:cluster -- [options]

Starts two receivers and three workers on a PostgreSQL server, each in its own process, and sends them signed webhooks
and duplicates over HTTP. During the load it injects faults at random: SIGKILL of any process, immediate-mode restarts of
PostgreSQL, and SIGSTOP of a worker for longer than its lease. Then it repeats this with BullMQ, and adds FLUSHALL and
SIGKILL of Redis. At the end it compares the inbox and the effects of the handlers with the acknowledged messages. It
exits with 0 only if every guarantee holds.

The test starts its own servers on free ports and removes them. It needs initdb (below /usr/lib/postgresql, or in
PG_BIN) and redis-server. An immediate-mode stop ends a server, not the machine, so it does not lose data that was
written but not flushed to disk.

  --on <setup>        only postgres or only bullmq (default: both, one after the other)
  --kills <number>    kills of processes in each setup (default 20)
  --seconds <number>  time over which the faults of each setup are spread (default 60)
  --seed <number>     repeat the choices of a run: faults, times and webhooks (default: a new seed)
  --keep              keep ledgers and logs even on success
  --json              print one JSON document on stdout, and progress on stderr
  --help              print this text`;

export interface Options {
  readonly setups: readonly Setup[];
  readonly kills: number;
  readonly seconds: number;
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
  if (!/^\d+$/.test(text) || number > 2 ** 32) throw new Error(`--${name}: found "${text}"; expected an integer`);
  return number;
}
