import { parseDated } from './dated-json.js';
import type { JoinedRun } from './run.js';
import type { RunKey } from './run-state.js';

/** What is stored in place of the data of an event that was erased. It is routed to nobody. */
export const ERASED_EVENT_DATA = '{"erased":true}';

/**
 * The ways in which a text can stand in a body or in data of ours: as it is, as JSON writes it, and with escapes for all
 * that is not ASCII, in either case of hex, as many senders write it.
 */
export function spellingsOf(text: string): string[] {
  const json = JSON.stringify(text).slice(1, -1);
  const escaped = json.replace(/[^\0-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const upper = escaped.replace(/\\u[0-9a-f]{4}/g, (escape) => `\\u${escape.slice(2).toUpperCase()}`);
  return [...new Set([text, json, escaped, upper])];
}

/**
 * What a barrier waits with, where some of its runs were erased: these keep only what names them, so that the barrier
 * goes on as before. Undefined if none of them is in it.
 */
export function erasedFromBarrier(
  waiting: string,
  runs: readonly RunKey[],
  spellings: readonly string[],
): string | undefined {
  const isErased = (joined: JoinedRun): boolean => {
    const text = JSON.stringify(joined);
    return runs.some((key) => isRun(joined, key)) || spellings.some((spelling) => text.includes(spelling));
  };
  const kept = Object.entries(parseDated<Record<string, JoinedRun>>(waiting));
  const changed = kept.map(([job, run]) => [job, isErased(run) ? bareRun(run) : run]);
  const text = JSON.stringify(Object.fromEntries(changed));
  return text === waiting ? undefined : text;
}

/** Whether a run that has come to a barrier is this one. */
export function isRun({ source, run }: JoinedRun, key: RunKey): boolean {
  return source === key.source && run.account.id === key.accountId && run.id === key.runId;
}

function bareRun(joined: JoinedRun): JoinedRun {
  const { id, status, account, job } = joined.run;
  return {
    ...joined,
    run: { id, status, account: { id: account.id }, job: { key: job.key }, trigger: { kind: 'unknown' } },
  };
}
