import type { AdminCall } from './admin-caller.js';
import type { Query } from './query.js';

/** Returns a call that reads. */
export function read(
  asked: string,
  version: 'v2' | 'v3',
  path: readonly string[],
  query: Query,
  signal: AbortSignal | undefined,
): AdminCall {
  return { right: 'read', asked, version, path, query, signal };
}

/** Returns a call that reads a file of a run. */
export function artifactCall(
  runId: string,
  path: string,
  step: number | undefined,
  signal: AbortSignal | undefined,
): AdminCall {
  return {
    ...read(
      `get an artifact of run ${runId}`,
      'v2',
      ['runs', runId, 'artifacts', ...path.split('/')],
      { step },
      signal,
    ),
    slash: false,
  };
}
