import { parseDated } from '../payloads/dated-json.js';
import type { JoinedRun } from '../runs/run.js';
import type { RunKey } from '../runs/run-state.js';

/** What is stored in place of the data of an event that was erased. It is routed to nobody. */
export const ERASED_EVENT_DATA = '{"erased":true}';

/**
 * Characters that writers of JSON escape though they need not: none; those that are not ASCII; for HTML (Go); both of these;
 * and what .NET and PHP's `JSON_HEX_*` add. A slash stands apart.
 */
const ESCAPED_BY_WRITERS = [/(?!)/g, /[^\0-\x7e]/g, /[<>&\u2028\u2029]/g, /[<>&]|[^\0-\x7e]/g, /[<>&'+`]|[^\0-\x7e]/g];

/** The ways in which a text can stand in a body or in data of ours: as it is, and as writers of JSON escape it, in either case of hex. */
export function spellingsOf(text: string): string[] {
  const json = JSON.stringify(text).slice(1, -1);
  const escaped = ESCAPED_BY_WRITERS.map((characters) => json.replace(characters, escapeOf));
  const upper = escaped.map((one) => one.replace(/\\u[0-9a-f]{4}/g, (escape) => `\\u${escape.slice(2).toUpperCase()}`));
  const spellings = [...escaped, ...upper];
  return [...new Set([text, ...spellings, ...spellings.map((one) => one.replaceAll('/', '\\/'))])];
}

function escapeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
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
