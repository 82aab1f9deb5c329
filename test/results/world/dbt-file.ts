import { runResultsFile, sourcesFile, type DbtFileRow } from 'nestjs-runhooks/testing';
import type { PlannedNode, PlannedStep } from './world-run.js';

const HOUR_MS = 60 * 60_000;

/** When a file was written, and where. */
export interface FileFacts {
  /** Start of the run. */
  readonly startedAt: Date;
  readonly now: Date;
  readonly target?: string | undefined;
}

/** Name of the file that a command writes. */
export function fileNameOf({ which }: PlannedStep): string {
  return which === 'freshness' ? 'sources.json' : 'run_results.json';
}

/** Returns the content of the file of a command, or `undefined` if there is none. */
export function fileOf(step: PlannedStep, { startedAt, now, target }: FileFacts): object | string | undefined {
  const { which, fate, nodes, oddRows } = step;
  if (fate === 'none' || fate === 'lost') return undefined;
  const generatedAt = fate === 'stale' ? new Date(startedAt.getTime() - HOUR_MS) : now;
  const options = { generatedAt, which, ...(target !== undefined && { target }) };
  const rows = nodes.map(rowOf);
  const file = (which === 'freshness' ? sourcesFile : runResultsFile)(rows, options) as { results: unknown[] };
  // Odd rows stand in the middle, so that a reader which stops at one loses others.
  const middle = Math.floor(file.results.length / 2);
  const content = { ...file, results: file.results.toSpliced(middle, 0, ...oddRows) };
  return fate === 'unreadable' ? unreadable(JSON.stringify(content)) : content;
}

function rowOf({ id, status, message, outcome }: PlannedNode): DbtFileRow {
  const isTest = id.startsWith('test.');
  const failures = isTest && outcome === 'failed' ? 7 : isTest ? 0 : null;
  return { id, status, failures, ...(message !== undefined && { message }) };
}

/** Returns the text after a mark of a conflict, or without its second half. */
function unreadable(text: string): string {
  return text.length % 2 === 0 ? text.slice(0, Math.floor(text.length / 2)) : `<<<<<<< HEAD\n${text}`;
}
