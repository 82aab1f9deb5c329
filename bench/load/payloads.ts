import { readFileSync } from 'node:fs';

/** The path is relative to dist/bench/load. */
const FIXTURES = new URL('../../../test/fixtures/', import.meta.url);

/** A body in pieces; ids between the pieces make each message different. */
export type Template = readonly [head: string, middle: string, tail: string];

const readFixture = (name: string): string => readFileSync(new URL(name, FIXTURES), 'utf8');

/** Returns a captured dbt webhook (735 bytes), with `eventId` and `runId` between the pieces. */
export function dbtTemplate(): Template {
  const text = readFixture('dbt-cloud/14-captured-completed.json');
  const { eventId, data } = JSON.parse(text) as { eventId: string; data: { runId: string } };
  return splitAt(text, eventId, data.runId);
}

/** Returns the same body with the fields that Stripe's library checks: a type, and the mode that selects a secret. */
export function stripeTemplate(): Template {
  const [head, middle, tail] = dbtTemplate();
  return [
    head.replace('{', '{\n  "object": "event",\n  "type": "charge.succeeded",\n  "livemode": false,'),
    middle,
    tail,
  ];
}

interface ParadimeCommand {
  readonly id: number;
  readonly json_resources: readonly { readonly id: number }[];
}

/** Returns Paradime's documented sample of a run with seven instead of four commands, all of which succeed (5 KB). */
export function paradimeTemplate(): Template {
  const sample = JSON.parse(readFixture('paradime/run-completed-failed.json')) as Record<string, unknown>;
  const commands = sample['commands'] as ParadimeCommand[];
  const last = commands.at(-1) as ParadimeCommand;
  const more = ['dbt snapshot', 'dbt test --select staging marts', 'dbt source freshness'].map((command, index) => ({
    ...last,
    id: last.id + index + 1,
    command,
  }));
  const succeeded = [...commands, ...more].map((command) => ({ ...command, return_code: 0, status: 'succeeded' }));
  const text = JSON.stringify({ ...sample, commands: succeeded, status: 'succeeded', id: 1_000_000_063_187 });
  return splitAt(text, '1000000063187', 'run_id/63187', 'run_id/');
}

/** Splits at the first occurrence of each value; `keep` stays before the second one. */
function splitAt(text: string, first: string, second: string, keep = ''): Template {
  const [head, rest] = cut(text, first);
  const [middle, tail] = cut(rest, second);
  return [head, middle + keep, tail];
}

function cut(text: string, value: string): [string, string] {
  const at = text.indexOf(value);
  if (at < 0) throw new Error(`the fixture does not contain "${value}"`);
  return [text.slice(0, at), text.slice(at + value.length)];
}
