import { LINE_COLUMNS, lineRows, majorOf, TARGET_COLUMNS, targetRows, type Report } from './report.js';

const HEAD = [
  '# Results',
  'Written by `npm run bench -- --write`; do not edit. Ratios are taken round by round, each is the median of all ' +
    'rounds, and the spread is that of the rounds. Read ratios rather than figures: they depend less on the machine. ' +
    'What is measured, and how, is in [README.md](README.md).',
];

/** Returns `bench/RESULTS.md` with the section of this run in place of the last one on the same version of Node. */
export function withSection(page: string, report: Report, plot: string): string {
  const sections = new Map<number, string>();
  for (const text of page.split(/^(?=## Node )/m).slice(1))
    sections.set(Number.parseInt(text.slice(8), 10), text.trim());
  sections.set(majorOf(report), section(report, plot).join('\n\n'));
  const newestFirst = [...sections].toSorted(([a], [b]) => b - a).map(([, text]) => text);
  return `${[...HEAD, ...newestFirst].join('\n\n')}\n`;
}

function section(report: Report, plot: string): string[] {
  const { machine, date, seconds, lines, notes } = report;
  const packages = Object.entries(machine.packages).map(([name, version]) => `${name} ${version}`);
  return [
    `## Node ${machine.node.slice(1)}, ${machine.sqlite}`,
    `${date}, ${machine.cores} cores, ${machine.memoryGb} GB of memory; ${Math.round(seconds / 60)} minutes. ` +
      `${packages.join(', ')}.`,
    table(TARGET_COLUMNS, targetRows(report)),
    `![Throughput and p99 by contender](${plot})`,
    ...Object.entries(lines).flatMap(([title, found]) => [`### ${title}`, table(LINE_COLUMNS, lineRows(found))]),
    ...(notes.length > 0 ? ['### Notes', notes.map((note) => `- ${note}`).join('\n')] : []),
  ];
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}
