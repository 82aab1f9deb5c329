import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { withRow } from './history.js';
import { withSection } from './markdown.js';
import { toSvg } from './plot.js';
import { majorOf, type Report } from './report.js';

/** The folder of the sources, from dist/bench/report. */
const FOLDER = new URL('../../../bench/', import.meta.url);

/** Writes the figures of a run, its section of the page, its plot, and its row of the history. */
export function writeResults(report: Report): void {
  const name = `results/node-${majorOf(report)}`;
  mkdirSync(new URL('results/', FOLDER), { recursive: true });
  writeFileSync(new URL(`${name}.json`, FOLDER), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(new URL(`${name}.svg`, FOLDER), toSvg(report));
  rewrite('RESULTS.md', (page) => withSection(page, report, `${name}.svg`));
  rewrite('HISTORY.md', (page) => withRow(page, report));
}

function rewrite(file: string, change: (page: string) => string): void {
  const url = new URL(file, FOLDER);
  writeFileSync(url, change(existsSync(url) ? readFileSync(url, 'utf8') : ''));
}
