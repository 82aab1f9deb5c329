import type { TargetKey } from '../targets.js';
import { number, type Report } from './report.js';

/** The targets that say most about a change. */
const COLUMNS: readonly TargetKey[] = [
  'durable_vs_hand_fastify',
  'durable_vs_hand_express',
  'durable_vs_golevelup',
  'sustained_vs_hand_fastify',
  'sustained_vs_golevelup',
  'slow_disk_gain',
  'handoff_p99_ms',
  'drain_per_s',
  'burst_vs_bullmq_always',
  'sustained_vs_bullmq_always',
  'pg_sustained_vs_graphile',
];

const HEAD = [
  '# History',
  '',
  'One row per whole run, added by `npm run bench -- --write`. The commit is the measured one; `+` stands for uncommitted ' +
    'changes. The other columns are medians. `targets.ts` describes their keys. Until ' +
    'commit 3cea314, the sustained ratios used the highest rate at which the backlog stayed flat.',
  '',
  row(['date', 'commit', 'Node', ...COLUMNS]),
  row(['---', '---', '---', ...COLUMNS.map(() => '---')]),
];

const EMPTY = ['date', 'commit', 'Node', ...COLUMNS].map(() => '–');

/** Returns `bench/HISTORY.md` with one more row. */
export function withRow(page: string, { date, commit, machine, targets }: Report): string {
  const rows = page.split('\n').filter((line) => /^\| \d{4}-/.test(line));
  // Earlier runs had fewer columns.
  const whole = rows.map((line) => row(Object.assign([...EMPTY], line.split(' | ').map(trimmed))));
  const figures = COLUMNS.map((key) => targets[key]).map((found) => (found ? number(found.median) : '–'));
  return [...HEAD, ...whole, row([date, commit, machine.node.slice(1), ...figures]), ''].join('\n');
}

function trimmed(cell: string): string {
  return cell.replace(/^\| | \|$/g, '');
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
