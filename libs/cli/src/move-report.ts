import { oneLine } from 'nestjs-runhooks/internal';
import type { Moved, Progress } from '../../sql-inbox/src/move/move-inbox.js';
import type { Output } from './output.js';

/** Output of `move` during and after its work. */
export interface MoveReport {
  progress(progress: Progress): void;
  warn(message: string): void;
  moved(moved: Moved): void;
  failed(code: string, message: string): void;
}

export function jsonReport(output: Output): MoveReport {
  const line = (value: object): void => void output.write(`${JSON.stringify(value)}\n`);
  return {
    progress: (progress) => line({ kind: 'progress', ...progress }),
    warn: (message) => line({ kind: 'warning', message }),
    moved: (moved) => line({ kind: 'moved', ...moved }),
    failed: (code, message) => line({ kind: 'failed', code, message }),
  };
}

/** Returns a report with a bar on a terminal, and elsewhere with a line for each table and for each tenth of the rows. */
export function textReport(output: Output, errors: Output): MoveReport {
  const bar = output.isTTY === true ? barOn(output) : linesOn(output);
  return {
    progress: bar.show,
    warn: (message) => {
      bar.end();
      errors.write(`warning: ${oneLine(message)}\n`);
    },
    moved: ({ from, to, rows, finishedBefore }) => {
      bar.end();
      if (finishedBefore) {
        const moved = oneLine(`${from} was moved to ${to} on ${finishedBefore.toISOString()}. Nothing is left to do.`);
        output.write(`${moved}\n`);
        return;
      }
      const counted = Object.entries(rows).map(([table, count]) => `  ${table.padEnd(14)} ${grouped(count)}`);
      output.write(`${oneLine(`Moved ${from} to ${to}. Rows in both databases:`)}\n${counted.join('\n')}\n`);
    },
    failed: (_, message) => {
      bar.end();
      errors.write(`nestjs-runhooks move: ${message}\n`);
    },
  };
}

interface Bar {
  show(progress: Progress): void;
  end(): void;
}

const BAR_CHARS = 30;
const CLEAR_LINE = '\r\u001b[K';

function barOn(output: Output): Bar {
  let isShown = false;
  return {
    show: (progress) => {
      const filled = Math.floor(partOf(progress) * BAR_CHARS);
      const bar = '█'.repeat(filled) + '░'.repeat(BAR_CHARS - filled);
      output.write(`${CLEAR_LINE}${bar} ${percentOf(progress)} ${tableOf(progress)}`);
      isShown = true;
    },
    end: () => {
      if (isShown) output.write(CLEAR_LINE);
      isShown = false;
    },
  };
}

function linesOn(output: Output): Bar {
  let shownTenth = 0;
  return {
    show: (progress) => {
      const tenth = Math.floor(partOf(progress) * 10);
      if (progress.moved < progress.rows && tenth <= shownTenth) return;
      shownTenth = tenth;
      output.write(`${percentOf(progress).padStart(4)} ${tableOf(progress)}\n`);
    },
    end: () => undefined,
  };
}

function partOf({ movedOfAll, rowsOfAll }: Progress): number {
  return rowsOfAll === 0 ? 1 : movedOfAll / rowsOfAll;
}

function percentOf(progress: Progress): string {
  return `${Math.floor(partOf(progress) * 100)}%`;
}

function tableOf({ table, moved, rows }: Progress): string {
  return `${table} ${grouped(moved)} of ${grouped(rows)}`;
}

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}
