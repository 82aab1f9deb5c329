import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { toDetails } from './details.js';
import { withRow } from './history.js';
import { toPage } from './page.js';
import { toSvg } from './plot.js';
import { majorOf, type Report } from './report.js';

/** The folder of the sources, from dist/bench/report. */
const FOLDER = new URL('../../../bench/', import.meta.url);
const RESULTS = new URL('results/', FOLDER);

/** Writes the figures and the plot of a run, its row of the history, and the page on all versions of Node. */
export function writeResults(report: Report): void {
  const name = `node-${majorOf(report)}`;
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(new URL(`${name}.json`, RESULTS), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(new URL(`${name}.svg`, RESULTS), toSvg(report));
  writeFileSync(new URL(`${name}.md`, RESULTS), toDetails(report));
  const reports = reportsOfAllVersions();
  const newest = Math.max(...reports.map(majorOf));
  writeFileSync(new URL('RESULTS.md', FOLDER), toPage(reports, `results/node-${newest}.svg`));
  const history = new URL('HISTORY.md', FOLDER);
  writeFileSync(history, withRow(existsSync(history) ? readFileSync(history, 'utf8') : '', report));
}

function reportsOfAllVersions(): Report[] {
  const names = readdirSync(RESULTS).filter((name) => /^node-\d+\.json$/.test(name));
  return names.map((name) => JSON.parse(readFileSync(new URL(name, RESULTS), 'utf8')) as Report);
}
