import { parseArgs } from 'node:util';

export const USAGE = `Usage: npm run bench:cluster -- [options]

Measures how many deliveries one, two and four workers handle, each a process of its own, on Postgres and on Postgres
with BullMQ: from storing the first of 2,000 messages to the end of the last handler. Needs a machine that does nothing
else, and takes about two minutes on it. The servers are those at POSTGRES_URL (default: 127.0.0.1:5432, database
postgres) and REDIS_URL (default: 127.0.0.1:6379); each measurement has a schema and a prefix of its own, removed after it.

  --write   writes bench/CLUSTER.md
  --json    one JSON document on stdout, progress on stderr
  --help    this text`;

export interface Options {
  readonly write: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

/** Throws an error that says what is wrong with the command line. */
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
