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
];

const HEAD = [
  '# History',
  '',
  'One row per whole run, added by `npm run bench -- --write`. The commit is the measured one; `+` stands for uncommitted ' +
    'changes. The other columns are medians. [RESULTS.md](RESULTS.md) describes their keys.',
  '',
  row(['date', 'commit', 'Node', ...COLUMNS]),
  row(['---', '---', '---', ...COLUMNS.map(() => '---')]),
];

/** Returns `bench/HISTORY.md` with one more row. */
export function withRow(page: string, { date, commit, machine, targets }: Report): string {
  const rows = page.split('\n').filter((line) => /^\| \d{4}-/.test(line));
  const figures = COLUMNS.map((key) => targets[key]).map((found) => (found ? number(found.median) : '–'));
  return [...HEAD, ...rows, row([date, commit, machine.node.slice(1), ...figures]), ''].join('\n');
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
