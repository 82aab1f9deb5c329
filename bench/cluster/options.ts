import { parseArgs } from 'node:util';

export const USAGE = `Usage: npm run bench:cluster -- [options]

Measures how many deliveries one, two and four workers handle, each in its own process, on Postgres and on Postgres with
BullMQ: from storing the first of 2,000 messages to the end of the last handler. Needs an otherwise idle machine, on
which it takes about two minutes. It uses the servers at POSTGRES_URL (default: 127.0.0.1:5432, database postgres) and
REDIS_URL (default: 127.0.0.1:6379). Each measurement uses its own schema and prefix and removes them.

  --write   write bench/CLUSTER.md
  --json    print one JSON document on stdout, and progress on stderr
  --help    print this text`;

export interface Options {
  readonly write: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

/** Parses the command line. Throws an error that explains what is wrong with it. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      write: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  return values;
}
