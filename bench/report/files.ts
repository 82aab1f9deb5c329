import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { toMarkdown } from './markdown.js';
import { toSvg } from './plot.js';
import type { Report } from './report.js';

/** The folder of the sources, from dist/bench/report. */
const FOLDER = new URL('../../../bench/', import.meta.url);
const RESULTS = new URL('results/', FOLDER);

/** Keeps a run in place of the last one on this version of Node, and writes the page anew. */
export function writeResults(report: Report): void {
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(new URL(`${nameOf(report)}.json`, RESULTS), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(new URL(`${nameOf(report)}.svg`, RESULTS), toSvg(report));
  const files = readdirSync(RESULTS).filter((name) => name.endsWith('.json'));
  const reports = files
    .toSorted()
    .toReversed()
    .map((name) => JSON.parse(readFileSync(new URL(name, RESULTS), 'utf8')) as Report);
  writeFileSync(
    new URL('RESULTS.md', FOLDER),
    toMarkdown(reports, (one) => `results/${nameOf(one)}.svg`),
  );
}

function nameOf({ machine }: Report): string {
  return `node-${Number.parseInt(machine.node.slice(1), 10)}`;
}
