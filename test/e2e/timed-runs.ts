import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoreFactory } from 'nestjs-runhooks/core';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import type { HandlersApp } from './handlers-app.js';

export const MINUTE = 60_000;

/** Returns options for a dbt webhook about a run that started and ended the given seconds ago. */
export function about(host: HandlersApp, runId: string, jobName = 'nightly', { startedAgo = 0, endedAgo = 0 } = {}) {
  const ago = (seconds: number) => new Date(host.clock.now().getTime() - seconds * 1_000).toISOString();
  const ended = ago(endedAgo);
  return {
    payload: {
      data: {
        runId,
        jobId: jobName,
        jobName,
        runStartedAt: ago(startedAgo),
        runFinishedAt: ended,
        runErroredAt: ended,
      },
    },
  };
}

/** Creates inbox files that outlive an app. */
export class InboxFiles {
  readonly #directory = mkdtempSync(join(tmpdir(), 'runhooks-runs-'));
  #files = 0;

  /** Returns the path of a new file. */
  nextPath(): string {
    this.#files += 1;
    return join(this.#directory, `${this.#files}.db`);
  }

  /** Returns a function that opens one new file as an inbox, for several apps. */
  next(): () => StoreFactory {
    const path = this.nextPath();
    return () => sqliteInbox({ path });
  }

  /** Removes all files. Call it in `afterAll`. */
  remove(): void {
    rmSync(this.#directory, { recursive: true });
  }
}
