import { OwnError } from '../errors.js';
import type { MissingResults, MissingStep } from '../nodes/run-results.js';
import type { NodeResult } from '../nodes/node-result.js';
import type { Run } from '../runs/run.js';

/** Results of a run, as the API of a provider has them. */
export type ResultsReading =
  | (RunSetting & {
      readonly state: 'available';
      /** All nodes, each once: the last step that executed a node wins. Their messages are those of dbt, unchanged. */
      readonly nodes: readonly NodeResult[];
      readonly unreadableRows: number;
      readonly missingSteps: readonly MissingStep[];
      readonly dbtVersion?: string;
      readonly generatedAt?: Date;
    })
  | (RunSetting & MissingResults);

/** Facts that decide in which scope the nodes of a run are compared. */
interface RunSetting {
  /** Whether the run must open no incidents: it belongs to CI or to a pull request, or its schema or target is overridden. */
  readonly isIsolated: boolean;
  /** Target of dbt, if it is known. */
  readonly target?: string;
}

/** Means of a reader. */
export interface ResultsContext {
  readonly signal: AbortSignal;
  /** Returns the time of the clock that decides. */
  now(): Date;
}

/** Port: part of `ProviderApi` that reads the results of runs. */
export interface ResultsReader {
  /**
   * Reads the results of a completed run.
   *
   * @throws {ResultsNotReadyError} if they are not there yet. The next read follows after the error's delay.
   * @throws {ProviderApiError} if a call fails. After `unavailable`, `timeout`, `invalid-answer` and `rate-limited`, reads
   *   go on for up to seven days. After `not-found`, the run has no results, and a warning is logged. Other reasons make the
   *   delivery a dead letter.
   */
  read(run: Run, context: ResultsContext): Promise<ResultsReading>;
}

/** Thrown by a {@link ResultsReader} if the results of a run are not there yet. */
export class ResultsNotReadyError extends OwnError {
  protected static override readonly className = 'ResultsNotReadyError';
  readonly code = 'RUNHOOKS_RESULTS_NOT_READY';

  constructor(
    /** Milliseconds until the next look. */
    readonly delayMs: number,
    message: string,
  ) {
    super(message);
  }
}
