import { PARADIME_LIMITS } from '../limits.js';
import type { ParadimeApiCommandLog } from './api-objects.js';
import { type Fields, readEach } from './api-readers.js';

type LogLine = ParadimeApiCommandLog['lines'][number];

/** The first cursor; later ones have no documented form. */
const START = '0:0';

/**
 * Returns the last lines of a log that is read in batches. It ends when the API calls the log finished, or returns the same
 * cursor again, as for a command that still writes.
 */
export async function tailOf(
  readBatch: (cursor: string) => Promise<Fields>,
): Promise<Pick<ParadimeApiCommandLog, 'lines' | 'isCut'>> {
  const { logLinesMax, logBatchesMax } = PARADIME_LIMITS;
  let lines: LogLine[] = [];
  let isCut = false;
  let cursor = START;
  for (let batches = 0; batches < logBatchesMax; batches++) {
    const batch = await readBatch(cursor);
    lines = [...lines, ...readEach(batch['lines'], readLine)];
    if (lines.length > logLinesMax) {
      lines = lines.slice(-logLinesMax);
      isCut = true;
    }
    const next = batch['cursor'];
    if (batch['finished'] === true || typeof next !== 'string' || next === cursor) return { lines, isCut };
    cursor = next;
  }
  return { lines, isCut: true };
}

function readLine({ stream, line }: Fields): LogLine | undefined {
  if (typeof line !== 'string') return undefined;
  return { stream: stream === 'STDERR' ? 'stderr' : 'stdout', line };
}
