import { defined, parseJson, type ParseResult, type Run, type VerifiedMessage } from 'nestjs-runhooks/core';
import type { ParadimeApiCommand, ParadimeApiRun, ParadimeApiSchedule } from '../api/api-objects.js';
import { type Fields, fieldsOf, readEach, textOf } from '../api/api-readers.js';
import { parseRun } from '../parse-run.js';
import { runPageOf } from '../run-page.js';
import { isFinal } from '../status.js';

/** Facts about the workspace and the schedule of a run, which lists of runs do not have. */
export interface RunPlace {
  readonly workspace: string;
  /** Name of the workspace, if the token may list workspaces. */
  readonly workspaceName: string | undefined;
  readonly schedule: ParadimeApiSchedule;
}

/** A run that a sweep found, as handlers get it in `event.apiRun`. Times are ISO 8601 in UTC. */
export interface ParadimeSweptRun extends Omit<ParadimeApiRun, 'schedule' | 'startedAt' | 'endedAt'> {
  readonly workspace: string;
  /** Slug of the schedule; absent for a schedule that has only a name. */
  readonly schedule?: string;
  readonly startedAt?: string;
  /** End of the run, or of its last command. */
  readonly endedAt?: string;
  /** Commands of an ended run. Their files are not listed: `ParadimeApi.artifacts` returns them. */
  readonly commands?: readonly object[];
}

/** Body of a message that a sweep appended. */
export interface ParadimeEnvelope {
  readonly v: 1;
  readonly run: object;
  /** Names that webhooks have and lists of runs lack. The API does not report the environment of a schedule. */
  readonly names: { readonly project?: string; readonly job?: string };
}

/** Returns the body of a message about a run. `commands` are `undefined` for a run that is not over. */
export function envelopeOf(
  run: ParadimeApiRun,
  { workspace, workspaceName, schedule }: RunPlace,
  commands: readonly ParadimeApiCommand[] | undefined,
): ParadimeEnvelope {
  const { schedule: _asked, endedAt: _end, ...facts } = run;
  const endedAt = endOf(run, commands);
  return {
    v: 1,
    run: { ...facts, workspace, ...defined({ schedule: schedule.slug, endedAt, commands }) },
    names: defined({ project: workspaceName, job: schedule.name }),
  };
}

/** Returns the end of a run, or else that of its last command: the API can lack the end of a canceled run. */
export function endOf(run: ParadimeApiRun, commands: readonly ParadimeApiCommand[] = []): Date | undefined {
  const ends = commands
    .flatMap(({ endedAt }) => endedAt ?? [])
    .toSorted((one, other) => one.getTime() - other.getTime());
  return run.endedAt ?? (isOver(run) ? ends.at(-1) : undefined);
}

/** Returns whether a run is over. A new state that Runhooks does not know is over if the run has an end. */
export function isOver({ state, status, endedAt }: ParadimeApiRun): boolean {
  return isFinal(state) || (endedAt !== undefined && status !== 'running' && status !== 'pending');
}

/**
 * Parses a message that a sweep appended, with the same result as for a webhook about the same run. The run decides, not
 * the phase: it was written when it had that phase. Never throws.
 *
 * @param appOrigin origin of the pages of runs, if it is known
 */
export function parseEnvelope({ body, receivedAt }: VerifiedMessage, appOrigin: string | undefined): ParseResult {
  const json = parseJson(body);
  if (!json.ok) return { state: 'quarantined', reason: json.reason };
  const envelope = fieldsOf(json.value);
  const run = fieldsOf(envelope?.['run']);
  if (envelope?.['v'] !== 1 || !run) {
    return { state: 'quarantined', reason: 'the body: expected v 1 and a run, got another envelope of a sweep' };
  }
  const result = parseRun(webhookOf(run, fieldsOf(envelope['names']) ?? {}, appOrigin), receivedAt);
  if (result.state !== 'parsed') return result;
  const { signal } = result;
  return { ...result, signal: { ...signal, run: { ...signal.run, ...onlyInApi(run, signal.run) } } };
}

/** Returns the run in the shape of a webhook's body, without the fields that the API does not have. */
function webhookOf(run: Fields, names: Fields, appOrigin: string | undefined): object {
  const { id, workspace, schedule, state, actor, actorEmail, branch, commitHash, startedAt } = run;
  const { project, job } = names;
  const commands = readEach(run['commands'], commandOf);
  return defined({
    id,
    workspace: defined({ uid: workspace, name: project }),
    schedule_name: job ?? schedule,
    schedule: defined({ name: job ?? schedule, slug: schedule }),
    environment: defined({ actor, email: actorEmail, branch, commit_hash: commitHash }),
    status: state,
    start_dttm: startedAt,
    run_url: typeof id === 'string' ? runPageOf(appOrigin, id) : undefined,
    // Only a run that is over has commands here. The presence of an end, even if it is null, means the same in a webhook.
    ...(Object.hasOwn(run, 'commands') && { end_dttm: run['endedAt'] ?? null }),
    commands: commands.length > 0 ? commands : undefined,
  });
}

/**
 * Returns a command in the shape of a webhook's body. The API has no status of a command. Webhooks report `succeeded` for
 * a return code of 0.
 */
function commandOf({ id, command, returnCode, startedAt, endedAt }: Fields): object {
  const status = returnCode === undefined ? undefined : returnCode === 0 ? 'succeeded' : 'failed';
  return defined({ id, command, status, return_code: returnCode, start_dttm: startedAt, end_dttm: endedAt });
}

/** Returns the facts about a run that only the API reports. */
function onlyInApi({ parentRunId, pullRequestId }: Fields, { commit }: Run): Pick<Run, 'commit' | 'retryOf'> {
  const pullRequest = textOf(pullRequestId);
  return defined({
    retryOf: textOf(parentRunId),
    commit: pullRequest === undefined ? commit : { ...commit, pullRequest },
  });
}
