import { dttm } from './paradime-dttm.js';
import type { PayloadOverride } from './payload-override.js';
import { randomRunNumber } from './random-ids.js';

/** Commands of a run. Bolt adds the first two to those of the schedule. Each takes 20 s. */
const COMMANDS = ['git clone ...', 'dbt deps', 'dbt seed', 'dbt run'];
const COMMAND_SECONDS = 20;

/** Returns the commands of a finished run. All succeeded except the last one, which has the outcome of the run. */
export function paradimeCommands(outcome: 'succeeded' | 'failed' | 'canceled', endedAt: Date): PayloadOverride[] {
  const id = randomRunNumber();
  return COMMANDS.map((command, index) => {
    const fromEnd = COMMANDS.length - index;
    const status = fromEnd === 1 ? outcome : 'succeeded';
    return commandOf(id + index, {
      command,
      end_dttm: dttm(endedAt, (1 - fromEnd) * COMMAND_SECONDS),
      json_resources: command.startsWith('dbt ') && command !== 'dbt deps' ? resourcesOf(id + index) : [],
      return_code: status === 'succeeded' ? 0 : 1,
      start_dttm: dttm(endedAt, -fromEnd * COMMAND_SECONDS),
      status,
    });
  });
}

/** Returns a command in the form of the payload, with the query that Paradime sends along. */
export function commandOf(id: number, fields: PayloadOverride): PayloadOverride {
  const queried = 'command startDttm endDttm stdout stderr returnCode scheduleRunId resources { id path }';
  return { api_query: `query BoltCommand { boltCommand(commandId: ${id}) { ${queried} } }`, ...fields, id };
}

function resourcesOf(commandId: number): PayloadOverride[] {
  return ['target/manifest.json', 'target/run_results.json'].map((path, index) =>
    resourceOf(commandId + 1_000_000 + index, path),
  );
}

/** Returns a file of a command in the form of the payload. */
export function resourceOf(id: number, path: string): PayloadOverride {
  return { id, path, resource_query: `query BoltResourceUrl { boltResourceUrl(resourceId: ${id}) { ok url } }` };
}
