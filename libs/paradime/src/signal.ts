import { createHash } from 'node:crypto';
import {
  LIMITS,
  parseTimestamp,
  runDurationMs,
  type Run,
  type RunCommand,
  type RunSignal,
  type RunSignalType,
  type RunStatus,
} from 'nestjs-runhooks/core';
import { PARADIME_LIMITS } from './limits.js';
import { told } from './nothing.js';
import type { ParadimeCommand, ParadimePayload } from './payload.js';
import { statusOf } from './status.js';
import { triggerOf } from './trigger.js';

/** The others, such as skipped and those we do not know, are no outcome. */
const OUTCOME_OF: Partial<Record<RunStatus, RunSignalType>> = {
  succeeded: 'run.succeeded',
  failed: 'run.failed',
  canceled: 'run.canceled',
};

/** A run that began. It is running, whatever the status says. */
export function startedSignal(payload: ParadimePayload, receivedAt: Date): RunSignal {
  const run: Run = { ...beginningOf(payload), status: 'running' };
  return { types: ['run.started'], occurredAt: run.startedAt ?? receivedAt, run };
}

/** A run that is over. */
export function completedSignal(payload: ParadimePayload, receivedAt: Date): RunSignal {
  const beginning = beginningOf(payload);
  const statusMessage = told(payload.error_string);
  const commands = payload.commands?.map(commandOf);
  const status = statusOf(payload.status, statusMessage !== undefined || (commands ?? []).some(hasFailed));
  const finishedAt = timeOf(payload.end_dttm);
  const durationMs = runDurationMs(beginning.startedAt, finishedAt);
  const run: Run = {
    ...beginning,
    status,
    ...(statusMessage !== undefined && { statusMessage }),
    ...(finishedAt && { finishedAt }),
    ...(durationMs !== undefined && { durationMs }),
    ...(commands && { commands }),
  };
  const outcome = OUTCOME_OF[status];
  return { types: [...(outcome ? [outcome] : []), 'run.completed'], occurredAt: finishedAt ?? receivedAt, run };
}

/** What both messages tell. */
function beginningOf(payload: ParadimePayload): Omit<Run, 'status'> {
  const { id, workspace } = payload;
  const url = httpsUrl(told(payload.run_url));
  const providerStatus = told(payload.status);
  const workspaceName = told(workspace.name);
  const reference = { id: workspace.uid, ...(workspaceName !== undefined && { name: workspaceName }) };
  const environment = told(payload.schedule?.environment);
  const startedAt = timeOf(payload.start_dttm);
  return {
    id,
    ...(url !== undefined && { url }),
    ...(providerStatus !== undefined && { providerStatus }),
    job: jobOf(payload),
    account: reference,
    project: reference,
    ...(environment !== undefined && { environment: { name: environment } }),
    trigger: triggerOf(told(payload.environment?.actor)),
    ...(startedAt && { startedAt }),
  };
}

/**
 * A job is a schedule of a workspace. Newer schedules have a slug, and whether `schedule_name` is then the slug or the
 * label is not documented: a filter finds the job by either. A run that names no schedule is a job of its own.
 */
function jobOf({ id, workspace, schedule, schedule_name }: ParadimePayload): Run['job'] {
  const slug = told(schedule?.slug);
  const names = [schedule_name, schedule?.name, schedule?.display_name].map(told).filter((name) => name !== undefined);
  const name = names.find((one) => one !== slug) ?? slug;
  const unique = slug ?? name;
  const local = unique === undefined ? `/${encodeURIComponent(id)}` : keyOf(unique);
  return {
    key: `${encodeURIComponent(workspace.uid)}/${local}`,
    ...(slug !== undefined && { id: slug }),
    ...(name !== undefined && { name }),
  };
}

/**
 * A label as a part of a key: bounded, since keys are in indexes, and without what no URI may hold. A slash in it is
 * only where a label was cut.
 */
function keyOf(label: string): string {
  if (label.length <= LIMITS.idCharsMax) return encodeURIComponent(wellFormed(label));
  const start = encodeURIComponent(wellFormed(label.slice(0, PARADIME_LIMITS.labelCharsInKey)));
  return `${start}/${createHash('sha256').update(label).digest('hex')}`;
}

function wellFormed(text: string): string {
  return text.replace(/\p{Cs}/gu, '\ufffd');
}

function commandOf(sent: ParadimeCommand): RunCommand {
  const id = told(sent.id);
  const providerStatus = told(sent.status);
  const returnCode = sent.return_code;
  const startedAt = timeOf(sent.start_dttm);
  const finishedAt = timeOf(sent.end_dttm);
  return {
    ...(id !== undefined && { id }),
    command: sent.command ?? '',
    status: commandStatusOf(providerStatus, returnCode),
    ...(providerStatus !== undefined && { providerStatus }),
    ...(typeof returnCode === 'number' && { returnCode }),
    ...(startedAt && { startedAt }),
    ...(finishedAt && { finishedAt }),
    resources: (sent.json_resources ?? []).map(({ id, path }) => ({ id, path: path ?? '' })),
  };
}

/** Without a status a return code can tell a failure; a zero alone is not taken for a success. */
function commandStatusOf(providerStatus: string | undefined, returnCode: number | null | undefined): RunStatus {
  const isNoZero = typeof returnCode === 'number' && returnCode !== 0;
  return providerStatus === undefined && isNoZero ? 'failed' : statusOf(providerStatus, isNoZero);
}

function hasFailed({ status, returnCode = 0 }: RunCommand): boolean {
  return status === 'failed' || returnCode !== 0;
}

/** The page of the run, for people to open; anything but plain https is left out. */
function httpsUrl(text: string | undefined): string | undefined {
  if (text === undefined || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.protocol === 'https:' && url.username === '' && url.password === '' ? url.href : undefined;
}

function timeOf(text: string | null | undefined): Date | undefined {
  const time = told(text);
  return time === undefined ? undefined : parseTimestamp(time);
}
