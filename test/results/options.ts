import { parseArgs } from 'node:util';
import { readEngines, readNumber, readSeed } from '../simulation/command-line.js';
import type { EngineName } from '../simulation/engines.js';

export const USAGE = `Usage: npm run test:results -- [options]

Simulates runs of an account of dbt Cloud and of a workspace of Paradime, whose models, tests and other nodes fail and recover
at random, and apps with handlers of results. Runs have several steps, retry others, run a part of the nodes, or belong to pull
requests. Files are lost, late, unreadable or of an earlier run. Webhooks are lost, repeated, delayed and reordered. The APIs
fail for a day and limit the rate. Apps are down, or are killed between any two calls of the inbox. It then compares the inbox
and what the handlers received with the runs and with a plain model of incidents. It runs with one process on SQLite and with
three processes on the PostgreSQL of POSTGRES_URL. It exits with 0 only if nothing is doubled, missed or wrong.

  --runs <number>   runs of all jobs, at least 50 (default 2000)
  --seed <number>   repeat the choices of a run (default: a new seed)
  --on <engine>     sqlite or postgres (default: both)
  --help            print this text`;

export interface Options {
  readonly runs: number;
  readonly seed: number;
  readonly engines: readonly EngineName[];
  readonly help: boolean;
}

/** Parses the command line. Throws an error that explains what is wrong with it. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: '2000' },
      seed: { type: 'string' },
      on: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    runs: readNumber('runs', values.runs, 50),
    seed: readSeed(values.seed),
    engines: readEngines(values.on),
    help: values.help,
  };
}
