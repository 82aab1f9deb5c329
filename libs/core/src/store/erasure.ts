import { parseDated } from '../payloads/dated-json.js';
import type { JoinedRun } from '../runs/run.js';
import type { RunKey } from '../runs/run-state.js';

/** Data that is stored instead of the data of an erased event. No handler receives such an event. */
export const ERASED_EVENT_DATA = '{"erased":true}';

/**
 * Sets of characters that JSON writers escape without need: none; all non-ASCII; those with a meaning in HTML (Go); both;
 * and both with the additions of .NET and of PHP's `JSON_HEX_*`. The slash is treated separately.
 */
const ESCAPED_BY_WRITERS = [/(?!)/g, /[^\0-\x7e]/g, /[<>&\u2028\u2029]/g, /[<>&]|[^\0-\x7e]/g, /[<>&'+`]|[^\0-\x7e]/g];

/** Returns the forms a string can have in a body or in stored data: plain, and as JSON writers escape it, with lower or upper case hex. */
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
 * Returns the state of a fan-in after some of its waiting runs were erased, or `undefined` if it contains none of them. An
 * erased run keeps only its identity, so that the fan-in still counts it.
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

/** Returns whether a run of a source has this key. */
export function isRun({ source, run }: Pick<JoinedRun, 'source' | 'run'>, key: RunKey): boolean {
  return source === key.source && run.account.id === key.accountId && run.id === key.runId;
}

function bareRun(joined: JoinedRun): JoinedRun {
  const { id, status, account, job } = joined.run;
  return {
    ...joined,
    run: { id, status, account: { id: account.id }, job: { key: job.key }, trigger: { kind: 'unknown' } },
  };
}
