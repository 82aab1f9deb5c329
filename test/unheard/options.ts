import { parseArgs } from 'node:util';
import { readEngines, readNumber, readSeed } from '../simulation/command-line.js';
import type { EngineName } from '../simulation/engines.js';

export const USAGE = `Usage: npm run test:unheard -- [options]

Simulates an account of dbt Cloud, a workspace of Paradime with a tenth of its jobs, and apps that receive webhooks and sweep both
APIs, minute by minute. Webhooks are lost,
repeated, delayed and reordered, and the subscription is switched off. Runs are canceled, some while they are queued. The API
limits the rate and fails for a day. Clocks of the apps move, and apps are down, or are killed between any two steps. It then
compares the inbox and what the handlers received with the runs of the account. It runs first with one process on SQLite,
then with three processes on the PostgreSQL of POSTGRES_URL. It exits with 0 only if no run is unheard, no event is told
twice, and every handler received the runs that its filter matches.

The first day after the install is without disasters, so that it shows the number of calls a day.

  --days <number>   simulated days after the install, at least 1.5 (default 21)
  --jobs <number>   jobs of the account, at least 20 (default 200)
  --seed <number>   repeat the choices of a run (default: a new seed)
  --on <engine>     sqlite or postgres (default: both)
  --help            print this text`;

export interface Options {
  readonly days: number;
  readonly jobs: number;
  readonly seed: number;
  readonly engines: readonly EngineName[];
  readonly help: boolean;
}

/** Parses the command line. Throws an error that explains what is wrong with it. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      days: { type: 'string', default: '21' },
      jobs: { type: 'string', default: '200' },
      seed: { type: 'string' },
      on: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    days: readNumber('days', values.days, 1.5, /^\d+(?:\.\d+)?$/),
    jobs: readNumber('jobs', values.jobs, 20),
    seed: readSeed(values.seed),
    engines: readEngines(values.on),
    help: values.help,
  };
}
