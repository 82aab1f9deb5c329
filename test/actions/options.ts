import { parseArgs } from 'node:util';
import { readEngines, readNumber, readSeed } from '../simulation/command-line.js';
import type { EngineName } from '../simulation/engines.js';

export const USAGE = `Usage: npm run test:actions -- [options]

Simulates an account of dbt Cloud and a workspace of Paradime, whose runs fail, succeed or get stuck, and apps with handlers that
retry them, start other jobs and cancel runs. Requests, answers and webhooks are lost, late or repeated. Calls get 401, 403, 429
and 503, before or after the provider did what was asked. Lists lag 90 s, and clocks are set back. Apps are killed between any
two steps of an action, and two of them work on the same delivery. An operator decides about what stays unknown. It then
compares what the inbox and the handlers believe with the runs of the providers. It runs with two processes on SQLite, and on the
PostgreSQL of POSTGRES_URL. It exits with 0 only if nothing is doubled, lost or wrong. Actions with onUnknown: 'again' may be
doubled; they have a line of their own.

  --actions <number>  actions that handlers ask for, at least 40 (default 400)
  --seed <number>     repeat the choices of a run (default: a new seed)
  --on <engine>       sqlite or postgres (default: both)
  --help              print this text`;

export interface Options {
  readonly actions: number;
  readonly seed: number;
  readonly engines: readonly EngineName[];
  readonly help: boolean;
}

/** Parses the command line. Throws an error that explains what is wrong with it. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      actions: { type: 'string', default: '400' },
      seed: { type: 'string' },
      on: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    actions: readNumber('actions', values.actions, 40),
    seed: readSeed(values.seed),
    engines: readEngines(values.on),
    help: values.help,
  };
}
