import { PARADIME_LIMITS } from '../limits.js';
import type { ParadimeApiCommand, ParadimeApiCommandLog } from './api-objects.js';
import { type Fields, readEach } from './api-readers.js';
import type { ParadimeCallOptions } from './call-options.js';
import type { Graphql } from './graphql.js';
import { QUERIES } from './queries.js';

type LogLine = ParadimeApiCommandLog['lines'][number];

/** The first cursor; later ones have no documented form. */
const START = '0:0';

/**
 * Returns the last lines of the log of a command, which is read in batches. It ends when the API calls the log finished, or returns
 * the same cursor again, as for a command that still writes.
 */
export async function readCommandLog(
  graphql: Graphql,
  command: ParadimeApiCommand,
  options: ParadimeCallOptions,
): Promise<ParadimeApiCommandLog> {
  const asked = `get the log of command ${command.id}`;
  const commandId = graphql.idOf(command.id, asked);
  const { logLinesMax, logBatchesMax } = PARADIME_LIMITS;
  let lines: LogLine[] = [];
  let isCut = false;
  let cursor = START;
  for (let batches = 0; batches < logBatchesMax; batches++) {
    const variables = { commandId, cursor };
    const { result: batch } = await graphql.ask({ query: QUERIES.commandLogs, variables, asked, ...options });
    lines = [...lines, ...readEach(batch['lines'], readLine)];
    if (lines.length > logLinesMax) {
      lines = lines.slice(-logLinesMax);
      isCut = true;
    }
    const next = batch['cursor'];
    if (batch['finished'] === true || typeof next !== 'string' || next === cursor) return { command, lines, isCut };
    cursor = next;
  }
  return { command, lines, isCut: true };
}

function readLine({ stream, line }: Fields): LogLine | undefined {
  if (typeof line !== 'string') return undefined;
  return { stream: stream === 'STDERR' ? 'stderr' : 'stdout', line };
}
