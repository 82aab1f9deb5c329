import { markdownTable } from './markdown-table.js';
import { LINE_COLUMNS, lineRows, TARGET_COLUMNS, targetRows, type Report } from './report.js';

/** Returns the page with every figure of a run. */
export function toDetails(report: Report): string {
  const { machine, date, commit, seconds, lines, notes } = report;
  const packages = Object.entries(machine.packages).map(([name, version]) => `${name} ${version}`);
  return `${[
    `# All figures on Node ${machine.node.slice(1)}`,
    'Written by `npm run bench -- --write`; do not edit. [RESULTS.md](../RESULTS.md) is the summary, and ' +
      '[README.md](../README.md) describes what is measured, and how. Each figure is the median of all rounds, with their ' +
      'spread. A ratio is taken within each round.',
    `${date}, commit ${commit}, ${machine.cores} cores, ${machine.memoryGb} GB of memory, ${machine.sqlite}; ` +
      `${Math.round(seconds / 60)} minutes. ${packages.join(', ')}.`,
    '## Targets and further ratios',
    markdownTable(TARGET_COLUMNS, targetRows(report)),
    ...Object.entries(lines).flatMap(([title, found]) => [`## ${title}`, markdownTable(LINE_COLUMNS, lineRows(found))]),
    ...(notes.length > 0 ? ['## Notes', notes.map((note) => `- ${note}`).join('\n')] : []),
  ].join('\n\n')}\n`;
}
