import { createHash } from 'node:crypto';
import {
  endTypesOf,
  parseTimestamp,
  runDurationMs,
  type Run,
  type RunCommand,
  type RunCommit,
  type RunSignal,
  type RunStatus,
  defined,
} from 'nestjs-runhooks/core';
import { filled } from './blank.js';
import { PARADIME_LIMITS } from './limits.js';
import type { ParadimeCommand, ParadimePayload } from './payload.js';
import { statusOf } from './status.js';
import { triggerOf } from './trigger.js';

/**
 * Returns the signal of a run that `messageKindOf` found started, because its message has no field of an end. Its status is
 * `running`, even if the message says `failed`, as the documented one does.
 */
export function startedSignal(payload: ParadimePayload, receivedAt: Date): RunSignal {
  const run: Run = { ...startOf(payload), status: 'running' };
  return { types: ['run.started'], occurredAt: run.startedAt ?? receivedAt, run, ...otherKeysOf(payload) };
}

/** Returns the signal of a completed run. */
export function completedSignal(payload: ParadimePayload, receivedAt: Date): RunSignal {
  const start = startOf(payload);
  const statusMessage = filled(payload.error_string);
  const commands = payload.commands?.map(commandOf);
  const status = statusOf(payload.status, statusMessage !== undefined || (commands ?? []).some(hasFailed));
  const finishedAt = parseTimestamp(payload.end_dttm);
  const durationMs = runDurationMs(start.startedAt, finishedAt);
  const run: Run = { ...start, status, ...defined({ statusMessage, finishedAt, durationMs, commands }) };
  return { types: endTypesOf(status), occurredAt: finishedAt ?? receivedAt, run, ...otherKeysOf(payload) };
}

/** Returns the fields that both messages have. */
function startOf(payload: ParadimePayload): Omit<Run, 'status'> {
  const { id, workspace } = payload;
  const reference = { id: workspace.uid, ...defined({ name: filled(workspace.name) }) };
  const environment = filled(payload.schedule?.environment);
  return {
    id,
    job: jobOf(payload),
    account: reference,
    project: reference,
    trigger: triggerOf(filled(payload.environment?.actor)),
    ...defined({
      url: httpsUrl(filled(payload.run_url)),
      providerStatus: filled(payload.status),
      environment: environment === undefined ? undefined : { name: environment },
      commit: commitOf(payload),
      startedAt: parseTimestamp(payload.start_dttm),
    }),
  };
}

function commitOf({ environment }: ParadimePayload): RunCommit | undefined {
  const commit = defined({ branch: filled(environment?.branch), sha: filled(environment?.commit_hash) });
  return Object.keys(commit).length > 0 ? commit : undefined;
}

/**
 * Returns the job: a schedule of a workspace. Newer schedules have a slug. Paradime does not document whether
 * `schedule_name` is then the slug or the label, so filters match the job by either, and its runs belong to one job
 * whether messages contain both or one of them. A run without a schedule is its own job.
 */
function jobOf(payload: ParadimePayload): Run['job'] {
  const { slug, name } = namesOf(payload);
  const unique = slug ?? name;
  const local = unique === undefined ? `/${encodeURIComponent(payload.id)}` : keyOf(unique);
  return { key: inWorkspace(payload, local), ...defined({ id: slug, name }) };
}

/** Returns the key that the job has in a message without the slug. */
function otherKeysOf(payload: ParadimePayload): Pick<RunSignal, 'otherJobKeys'> {
  const { slug, name } = namesOf(payload);
  if (slug === undefined || name === undefined || name === slug) return {};
  return { otherJobKeys: [inWorkspace(payload, keyOf(name))] };
}

/** Returns the slug, and the label or else the slug. */
function namesOf({ schedule, schedule_name }: ParadimePayload): { slug: string | undefined; name: string | undefined } {
  const slug = filled(schedule?.slug);
  const names = [schedule_name, schedule?.name, schedule?.display_name]
    .map(filled)
    .filter((name) => name !== undefined);
  return { slug, name: names.find((one) => one !== slug) ?? slug };
}

function inWorkspace({ workspace }: ParadimePayload, local: string): string {
  return jobKeyOf(workspace.uid, local);
}

/** Returns the keys that runs of a schedule can have as their job: made from its slug, and from its name. */
export function jobKeysOf(workspace: string, labels: readonly (string | undefined)[]): readonly string[] {
  return labels.flatMap((label) => (label === undefined ? [] : jobKeyOf(workspace, keyOf(label))));
}

function jobKeyOf(workspace: string, local: string): string {
  return `${encodeURIComponent(workspace)}/${local}`;
}

/**
 * Returns a label as part of a key. It is bounded, because keys are in indexes, and percent-encoded. It contains a slash
 * only if the label was cut.
 */
function keyOf(label: string): string {
  if (label.length <= PARADIME_LIMITS.labelCharsWholeMax) return encodeURIComponent(wellFormed(label));
  const start = encodeURIComponent(wellFormed(label.slice(0, PARADIME_LIMITS.labelCharsInKey)));
  return `${start}/${createHash('sha256').update(label).digest('hex')}`;
}

function wellFormed(text: string): string {
  return text.replace(/\p{Cs}/gu, '\ufffd');
}

function commandOf(sent: ParadimeCommand): RunCommand {
  const providerStatus = filled(sent.status);
  const returnCode = filled(sent.return_code);
  return {
    command: sent.command ?? '',
    status: commandStatusOf(providerStatus, returnCode),
    ...defined({
      id: filled(sent.id),
      providerStatus,
      returnCode,
      startedAt: parseTimestamp(sent.start_dttm),
      finishedAt: parseTimestamp(sent.end_dttm),
    }),
    resources: (sent.json_resources ?? []).map(({ id, path }) => ({ id, path: path ?? '' })),
  };
}

/** Without a status, a return code can report a failure, but zero alone does not mean a success. */
function commandStatusOf(providerStatus: string | undefined, returnCode = 0): RunStatus {
  return providerStatus === undefined && returnCode !== 0 ? 'failed' : statusOf(providerStatus, returnCode !== 0);
}

function hasFailed({ status, returnCode = 0 }: RunCommand): boolean {
  return status === 'failed' || returnCode !== 0;
}

/** Returns the page of the run, or `undefined` unless it is an https URL without credentials. */
function httpsUrl(text: string | undefined): string | undefined {
  if (text === undefined || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.protocol === 'https:' && url.username === '' && url.password === '' ? url.href : undefined;
}
