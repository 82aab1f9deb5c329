import {
  isProviderApiError,
  type MissingResultsReason,
  type ResultsContext,
  ResultsNotReadyError,
  type ResultsReader,
  type ResultsReading,
  type Run,
} from 'nestjs-runhooks/core';
import {
  type ArtifactReading,
  mergeSteps,
  nodeStepOf,
  readRunResults,
  readSources,
  type StepFiles,
} from 'nestjs-runhooks/dbt-artifacts';
import type { ParadimeApiArtifact, ParadimeApiCommand, ParadimeApiRunDetail } from '../api/api-objects.js';
import type { ParadimeApi } from '../api/paradime-api.js';
import { PARADIME_LIMITS } from '../limits.js';
import { type CommandKind, commandKindOf } from './command-kind.js';
import { isIsolated } from './isolation.js';
import { notReady } from './not-ready.js';

const FILES = { 'run_results.json': readRunResults, 'sources.json': readSources } as const;
type FileName = keyof typeof FILES;

const FILES_OF: Readonly<Record<CommandKind, readonly FileName[]>> = {
  nodes: ['run_results.json'],
  freshness: ['sources.json'],
  'no-nodes': [],
  unknown: ['run_results.json', 'sources.json'],
};

/** A command of a run with its files to read. */
interface CommandFiles {
  readonly command: ParadimeApiCommand;
  readonly kind: CommandKind;
  readonly files: readonly { readonly name: FileName; readonly artifact: ParadimeApiArtifact }[];
}

/**
 * Reads the results of a run from the files of its commands. Several commands can write the same path, so each has its own
 * file. A read makes two calls, one more for each command that can execute nodes, and one for each file, which is then
 * downloaded. Files are read one after the other.
 */
export class ParadimeResults implements ResultsReader {
  readonly #api: ParadimeApi;

  constructor(api: ParadimeApi) {
    this.#api = api;
  }

  async read(run: Run, context: ResultsContext): Promise<ResultsReading> {
    const { signal } = context;
    const detail = await this.#find(run, context);
    const endedAt = run.finishedAt ?? endOf(detail.commands);
    /** Throws if it is too early to do without something. */
    const waitFor = (lacking: string): void => {
      const error = notReady(lacking, endedAt, context.now());
      if (error) throw error;
    };
    if (detail.status === 'running' || detail.status === 'pending') {
      if (endedAt === undefined) throw stillRunning(run);
      waitFor(`the end of run ${run.id}`);
    }
    const isolated = await isIsolated(this.#api, run, signal);
    if (isolated === undefined) waitFor(`run ${run.id} in the list of its schedule`);
    const setting = { isIsolated: isolated ?? false };
    const missing = (reason: MissingResultsReason): ResultsReading => ({ ...setting, state: 'missing', reason });

    if (detail.status === 'canceled') return missing('canceled');
    if (detail.status === 'skipped') return missing('not-written');
    const commands = await this.#filesOf(detail, waitFor, signal);
    // A run that failed may have had commands that never began.
    if (commands.length === 0) return missing(detail.status === 'failed' ? 'not-written' : 'nothing-ran');
    const steps: StepFiles[] = [];
    for (const each of commands) {
      const { command, kind } = each;
      // Another program can fail for a reason of its own.
      const hasFailed = kind !== 'unknown' && (command.returnCode ?? 0) !== 0;
      steps.push({
        step: nodeStepOf(command.id, command.command),
        files: await this.#readAll(each, waitFor, signal),
        hasFailed,
      });
    }
    const merged = await mergeSteps(steps, { startedAt: run.startedAt });
    if (merged.state === 'missing') return { ...setting, ...merged };
    // Other programs need not run dbt. They can have the file that an earlier command left.
    const others = new Set(commands.flatMap(({ command, kind }) => (kind === 'unknown' ? command.id : [])));
    const missingSteps = merged.missingSteps.filter(({ step, reason }) => reason !== 'stale' || !others.has(step.id));
    return { ...setting, ...merged, missingSteps };
  }

  async #find(run: Run, context: ResultsContext): Promise<ParadimeApiRunDetail> {
    try {
      return await this.#api.run(run.id, { signal: context.signal });
    } catch (error) {
      // The run may be new, be deleted, or belong to another workspace.
      const isMissing = isProviderApiError(error) && error.reason === 'not-found';
      throw isMissing ? (notReady(`run ${run.id}`, run.finishedAt, context.now()) ?? error) : error;
    }
  }

  /** Returns the commands that executed nodes, and other programs if they wrote such files. */
  async #filesOf(
    { commands }: ParadimeApiRunDetail,
    waitFor: (lacking: string) => void,
    signal: AbortSignal,
  ): Promise<readonly CommandFiles[]> {
    const found: CommandFiles[] = [];
    for (const command of commands.filter(hasStarted)) {
      const kind = commandKindOf(command.command);
      if (kind === 'no-nodes') continue;
      const { artifacts } = await this.#api.command(command.id, { signal });
      const files = FILES_OF[kind].flatMap((name) => {
        const artifact = fileOf(artifacts, name);
        return artifact ? [{ name, artifact }] : [];
      });
      if (files.length === 0 && kind === 'unknown') continue;
      if (files.length === 0) waitFor(`${FILES_OF[kind].join(', ')} of command ${command.id}`);
      found.push({ command, kind, files });
    }
    return found;
  }

  async #readAll(
    { command, files }: CommandFiles,
    waitFor: (lacking: string) => void,
    signal: AbortSignal,
  ): Promise<readonly ArtifactReading[]> {
    const read: ArtifactReading[] = [];
    for (const { name, artifact } of files) {
      const waitForFile = (): void => waitFor(`${name} of command ${command.id}`);
      const file = await this.#read(name, artifact, waitForFile, signal);
      if (file) read.push(file);
      else waitForFile();
    }
    return read;
  }

  /** Returns a file, or `undefined` if it is listed, but has no URL or is missing there. */
  async #read(
    name: FileName,
    artifact: ParadimeApiArtifact,
    waitForFile: () => void,
    signal: AbortSignal,
  ): Promise<ArtifactReading | undefined> {
    const options = { bytesMax: PARADIME_LIMITS.resultsBytesMax, signal };
    try {
      return await FILES[name](await this.#api.artifactStream(artifact, options), options);
    } catch (error) {
      if (!isProviderApiError(error)) throw error;
      if (error.reason === 'not-found') return undefined;
      if (error.reason === 'too-large') return { isReadable: false, reason: 'too-large' };
      // S3 refuses a file that it does not have yet, unless the signer of the URL may list files.
      if (error.reason === 'refused' && error.status === 403) waitForFile();
      throw error;
    }
  }
}

/** The webhook reported the end of the run, but Paradime's API reports none. The core waits for days, not for ever. */
function stillRunning({ id }: Run): ResultsNotReadyError {
  const { resultsOpenMs: delayMs } = PARADIME_LIMITS;
  return new ResultsNotReadyError(delayMs, `Paradime: expected the end of run ${id}, got a run without an end`);
}

/** Returns a file in the folder `target`, or else in any folder: a project can be in a folder of the repository. */
function fileOf(artifacts: readonly ParadimeApiArtifact[], name: FileName): ParadimeApiArtifact | undefined {
  return (
    artifacts.find(({ path }) => path === `target/${name}`) ??
    artifacts.find(({ path }) => path === name || path.endsWith(`/${name}`))
  );
}

function hasStarted({ startedAt, returnCode }: ParadimeApiCommand): boolean {
  return startedAt !== undefined || returnCode !== undefined;
}

function endOf(commands: readonly ParadimeApiCommand[]): Date | undefined {
  const ends = commands.flatMap(({ endedAt }) => endedAt?.getTime() ?? []);
  return ends.length > 0 ? new Date(Math.max(...ends)) : undefined;
}
