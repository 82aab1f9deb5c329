import { LINE_COLUMNS, lineRows, TARGET_COLUMNS, targetRows, type Report } from './report.js';

/** Returns the report for a terminal. */
export function toText(report: Report): string {
  const tables = Object.entries(report.lines).map(
    ([title, lines]) => `${title}\n${table(LINE_COLUMNS, lineRows(lines))}`,
  );
  return [...tables, report.notes.join('\n'), table(TARGET_COLUMNS, targetRows(report))].join('\n\n');
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map((column, at) => Math.max(column.length, ...rows.map((row) => (row[at] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => (isNumber(cell) ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
      .join('  ');
  return [line(columns), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}

function isNumber(cell: string): boolean {
  return /^-?[\d.,]+( %)?$/.test(cell);
}
