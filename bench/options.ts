import { parseArgs } from 'node:util';
import { SCENARIOS, type ScenarioName } from './scenarios/scenarios.js';

export const USAGE = `Usage: npm run bench -- [options]

Compares Runhooks with its alternatives in interleaved rounds on this machine, and prints the results next to the
targets. Each contender and the load run in separate processes. The load is sent by autocannon over 50 connections; all
messages are different and correctly signed. A run takes about 25 minutes. It starts its own redis-server and PostgreSQL
if they are installed. POSTGRES_URL makes it use another PostgreSQL, whose CPU time is shown if it runs on this machine.

  --quick             measure every target within three minutes, in many short rounds
  --only <scenario>   one of ${Object.keys(SCENARIOS).join(', ')}; may be given several times
  --json              print one JSON document on stdout, and progress on stderr
  --write             write bench/RESULTS.md, a row of bench/HISTORY.md and bench/results; needs a complete run
  --directory <path>  directory of the inboxes and servers (default: the system's temporary directory)
  --help              this text`;

export interface Options {
  readonly quick: boolean;
  readonly only: readonly ScenarioName[];
  readonly json: boolean;
  readonly write: boolean;
  readonly directory: string | undefined;
  readonly help: boolean;
}

/** Parses the command line. Throws an error that explains what is wrong with it. */
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
    throw new Error('--write: found together with --quick or --only; only a complete run can be written');
  }
  return { ...values, only: values.only as ScenarioName[], directory: values.directory };
}
