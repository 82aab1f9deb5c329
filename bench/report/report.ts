import type { Figure } from '../figures.js';
import type { Findings, Line } from '../findings.js';
import type { Machine } from '../machine.js';
import { boundsOf, isMet, TARGETS, type Bounds, type TargetKey } from '../targets.js';

/** One run with its results and its machine. */
export interface Report {
  /** Day of the run. */
  readonly date: string;
  /** The commit that was measured, with `+` after it if the files differed from it. */
  readonly commit: string;
  readonly quick: boolean;
  readonly seconds: number;
  readonly machine: Machine;
  readonly targets: Partial<Record<TargetKey, Figure>>;
  readonly lines: Readonly<Record<string, readonly Line[]>>;
  readonly notes: readonly string[];
}

/** The major version of Node. */
export function majorOf({ machine }: Report): number {
  return Number.parseInt(machine.node.slice(1), 10);
}

export function collect(all: readonly Findings[]): Pick<Report, 'targets' | 'lines' | 'notes'> {
  return {
    targets: Object.assign({}, ...all.map(({ targets }) => targets)) as Report['targets'],
    lines: Object.assign({}, ...all.map(({ lines = {} }) => lines)) as Report['lines'],
    notes: all.flatMap(({ notes = [] }) => notes),
  };
}

/** Returns one object with the median of each target under its key and the whole report. */
export function toJson(report: Report): string {
  const medians = Object.entries(report.targets).map(([key, { median }]) => [key, round(median)]);
  return JSON.stringify({ ...Object.fromEntries(medians), report }, null, 2);
}

export const KEYS = Object.keys(TARGETS) as TargetKey[];

/** Returns the rows of the table of targets: key, description, median, spread, target, and whether it is met. */
export function targetRows(report: Report): string[][] {
  return KEYS.flatMap((key) => {
    const found = report.targets[key];
    if (!found) return [];
    const bounds = boundsOf(TARGETS[key], majorOf(report));
    const spread = `${number(found.min)} – ${number(found.max)}`;
    const verdict = bounds ? (isMet(bounds, found) ? 'yes' : 'NO') : '';
    return [[key, TARGETS[key].what, number(found.median), spread, bounds ? textOf(bounds) : '', verdict]];
  });
}

export const TARGET_COLUMNS = ['key', 'what', 'median', 'spread', 'target', 'met'];

/** Returns the rows of the table of contenders. */
export function lineRows(lines: readonly Line[]): string[][] {
  return lines.map(({ title, payload, perSecond, p50Ms, p99Ms, cpuUs, serverCpuUs, appShare, loadShare }) => [
    title,
    payload,
    number(perSecond.median),
    `${number(perSecond.min)} – ${number(perSecond.max)}`,
    number(p50Ms.median),
    number(p99Ms.median),
    number(cpuUs.median),
    serverCpuOf(serverCpuUs),
    `${(appShare.median * 100).toFixed(0)} %`,
    `${(loadShare.median * 100).toFixed(0)} %`,
  ]);
}

export const LINE_COLUMNS = [
  'contender',
  'payload',
  'per second',
  'spread',
  'p50 ms',
  'p99 ms',
  'CPU µs each: app',
  'server',
  "app's CPU",
  "load's CPU",
];

/** Returns the CPU time of Redis or Postgres as text: a dash if there is no server, or if its time is not known. */
export function serverCpuOf({ median }: Figure): string {
  return median > 0 ? number(median) : '–';
}

export function textOf({ atLeast, atMost }: Bounds): string {
  return atLeast === -Infinity ? `at most ${atMost}` : `at least ${atLeast.toLocaleString('en')}`;
}

export function number(value: number): string {
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString('en');
  return value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
