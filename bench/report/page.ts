import { boundsOf, isMet, TARGETS, type TargetKey } from '../targets.js';
import { markdownTable } from './markdown-table.js';
import { KEYS, majorOf, number, textOf, type Report } from './report.js';

/**
 * Returns `bench/RESULTS.md`: one page on the latest run of each version of Node, the newest version first. `plot` is
 * that of the newest version.
 */
export function toPage(reports: readonly Report[], plot: string): string {
  const newestFirst = reports.toSorted((a, b) => majorOf(b) - majorOf(a));
  const [newest] = newestFirst;
  if (!newest) return '';
  return `${[
    '# Results',
    'Written by `npm run bench -- --write`; do not edit.',
    `![Messages per second of each durable contender on Node ${majorOf(newest)}](${plot})`,
    table(newestFirst),
    '## What this means',
    meaning(newest)
      .map((sentence) => `- ${sentence}`)
      .join('\n'),
    '## How to repeat it',
    '```sh\nnpm run bench            # everything, with nothing else on the machine\nnpm run bench -- --quick # every target, within three minutes\n```',
    `${newestFirst.map(runOf).join(' ')} Ratios depend less on the machine than figures do. ` +
      '[README.md](README.md) describes the contenders and the method.',
  ].join('\n\n')}\n`;
}

/** Returns the table of all targets, with a column for each version of Node. A missed target is bold. */
function table(reports: readonly Report[]): string {
  const columns = ['Comparison', ...reports.flatMap((report) => [`Node ${majorOf(report)}`, 'Target'])];
  const rows = KEYS.filter((key) => reports.some((report) => boundsOf(TARGETS[key], majorOf(report)) !== undefined));
  return markdownTable(
    columns,
    rows.map((key) => [TARGETS[key].what, ...reports.flatMap((report) => cellsOf(report, key))]),
  );
}

function cellsOf(report: Report, key: TargetKey): [figure: string, target: string] {
  const found = report.targets[key];
  const bounds = boundsOf(TARGETS[key], majorOf(report));
  if (!bounds) return ['–', ''];
  if (!found) return ['–', textOf(bounds)];
  const text = number(found.median);
  return [isMet(bounds, found) ? text : `**${text}**`, textOf(bounds)];
}

/** Returns sentences for a reader who does not know the keys. A sentence is left out if a figure is missing. */
function meaning(report: Report): string[] {
  const times = (key: TargetKey): string | undefined => {
    const found = report.targets[key];
    return found && `${number(found.median)} times`;
  };
  const sentence = (before: string, ...parts: readonly (readonly [TargetKey, string])[]): string[] => {
    const known = parts.flatMap(([key, other]) => (times(key) ? [`${times(key)} as many as ${other}`] : []));
    return known.length === 0 ? [] : [`${before} ${known.join(', ')}.`];
  };
  return [
    ...sentence(
      'Burst: on SQLite, one process accepts',
      ['burst_vs_bullmq_always', 'BullMQ with `appendfsync always`'],
      ['burst_vs_sqlite_by_hand', 'a transaction per request'],
      ['durable_vs_hand_fastify', 'a controller that stores nothing, which is the limit'],
    ),
    ...sentence(
      'Sustained: on SQLite, one process receives, stores and handles',
      ['sustained_vs_bullmq_always', 'BullMQ with `appendfsync always`'],
      ['sustained_vs_sqlite_by_hand', 'SQLite by hand with a batched worker'],
    ),
    ...sentence(
      'Sustained: on Postgres, one process receives, stores and handles',
      ['pg_sustained_vs_graphile', 'Graphile Worker'],
      ['pg_sustained_vs_pgboss', 'pg-boss'],
    ),
    'Every durable contender verifies the signature, recognizes duplicates (Graphile Worker only until the job is handled), ' +
      'and responds after the webhook is on disk (BullMQ with `appendfsync everysec` up to a second before). Only Runhooks ' +
      'also records runs, events and a delivery for each handler.',
    'A bold figure misses its target. [The decision on CPU time](../docs/adr/0011-where-the-time-goes.md) gives the reasons.',
  ];
}

function runOf(report: Report): string {
  const { machine, date, commit } = report;
  const major = majorOf(report);
  return (
    `Node ${machine.node.slice(1)}: ${date}, commit ${commit}, ${machine.cores} cores, ${machine.memoryGb} GB of memory, ` +
    `${machine.sqlite}; [all figures](results/node-${major}.md).`
  );
}
