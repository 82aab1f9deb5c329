import { parseArgs } from 'node:util';
import { SCENARIOS, type ScenarioName } from './scenarios/scenarios.js';

export const USAGE = `Usage: npm run bench -- [options]

Measures Runhooks beside what people use instead, in interleaved rounds on this machine, and prints what was found beside
what was set out to be reached. Contenders, and the load, are processes of their own; the load is sent by autocannon over
50 connections, correctly signed, each message another one. Takes about 20 minutes; PostgreSQL joins where the package has
a Postgres inbox and a server answers at POSTGRES_URL (default: 127.0.0.1:5432).

  --quick             everything, but within two minutes: to see that it works
  --only <scenario>   one of ${Object.keys(SCENARIOS).join(', ')}; may be given several times
  --json              one JSON document on stdout, progress on stderr
  --write             writes bench/results, bench/RESULTS.md, a row of bench/HISTORY.md and the plots; needs a whole run
  --directory <path>  where inboxes are made (default: the system's directory for temporary files)
  --help              this text`;

export interface Options {
  readonly quick: boolean;
  readonly only: readonly ScenarioName[];
  readonly json: boolean;
  readonly write: boolean;
  readonly directory: string | undefined;
  readonly help: boolean;
}

/** Throws an error that says what is wrong with the command line. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      directory: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  for (const name of values.only) {
    if (name in SCENARIOS) continue;
    throw new Error(`--only: found "${name}"; expected one of ${Object.keys(SCENARIOS).join(', ')}`);
  }
  if (values.write && (values.quick || values.only.length > 0)) {
    throw new Error('--write: found together with --quick or --only; expected a whole run, whose results are kept');
  }
  return { ...values, only: values.only as ScenarioName[], directory: values.directory };
}
