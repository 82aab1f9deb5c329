import type { Figure } from '../figures.js';
import type { Findings, Line } from '../findings.js';
import type { Machine } from '../machine.js';
import { isMet, TARGETS, type Target, type TargetKey } from '../targets.js';

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

/**
 * Returns the rows of the table of targets: key, description, payload, median, spread, target, and whether it is met.
 */
export function targetRows({ targets }: Report): string[][] {
  return Object.entries(TARGETS).flatMap(([key, target]: [string, Target]) => {
    const found = targets[key as TargetKey];
    if (!found) return [];
    const spread = `${number(found.min)} – ${number(found.max)}`;
    const verdict = isMet(target, found) ? 'yes' : 'NO';
    return [[key, target.what, target.payload, number(found.median), spread, boundOf(target), verdict]];
  });
}

export const TARGET_COLUMNS = ['key', 'what', 'payload', 'median', 'spread', 'target', 'met'];

/** Returns the rows of the table of contenders. */
export function lineRows(lines: readonly Line[]): string[][] {
  return lines.map(({ title, payload, perSecond, p50Ms, p99Ms, cpuUs, serverShare, loadShare }) => [
    title,
    payload,
    number(perSecond.median),
    `${number(perSecond.min)} – ${number(perSecond.max)}`,
    number(p50Ms.median),
    number(p99Ms.median),
    number(cpuUs.median),
    `${(serverShare.median * 100).toFixed(0)} %`,
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
  'CPU µs each',
  'its CPU',
  "load's CPU",
];

function boundOf({ atLeast, atMost }: Target): string {
  return atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast.toLocaleString('en')}`;
}

export function number(value: number): string {
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString('en');
  return value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
