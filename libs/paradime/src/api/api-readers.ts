import { defined, parseTimestamp, readId } from 'nestjs-runhooks/core';
import { filled } from '../blank.js';
import { statusOf } from '../status.js';
import type {
  ParadimeApiArtifact,
  ParadimeApiCommand,
  ParadimeApiCommandDetail,
  ParadimeApiRun,
  ParadimeApiRunDetail,
  ParadimeApiSchedule,
  ParadimeApiWorkspace,
} from './api-objects.js';

/** An object of a response. No field is certain: the SDK's types call fields required that are null while a run is open. */
export type Fields = Readonly<Record<string, unknown>>;

/** Returns the fields of an object, or `undefined` for anything else. */
export function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

/** Returns the objects of a list that `read` understands. A list that is null or missing is empty. */
export function readEach<T>(list: unknown, read: (fields: Fields) => T | undefined): readonly T[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: unknown) => {
    const fields = fieldsOf(item);
    const found = fields && read(fields);
    return found === undefined ? [] : [found];
  });
}

/** Returns a schedule, or `undefined` if it has neither a slug nor a name, because its runs cannot be listed. */
export function readSchedule(sent: Fields): ParadimeApiSchedule | undefined {
  const name = textOf(sent['name']);
  const slug = textOf(sent['slug']);
  if (slug === undefined && name === undefined) return undefined;
  return defined({
    slug,
    name,
    uuid: textOf(sent['uuid']),
    schedule: textOf(sent['schedule']),
    owner: textOf(sent['owner']),
    lastRunAt: timeOf(sent['lastRunAt']),
    lastRunText: textOf(sent['lastRunAt']),
    lastRunState: textOf(sent['lastRunState']),
    nextRunAt: timeOf(sent['nextRunAt']),
    suspended: typeof sent['suspended'] === 'boolean' ? sent['suspended'] : undefined,
    gitBranch: textOf(sent['gitBranch']),
  });
}

/** Returns a run of a list, or `undefined` if it has no id. */
export function readRun(sent: Fields, schedule: string): ParadimeApiRun | undefined {
  const id = readId(sent['id']);
  if (id === undefined) return undefined;
  const git = fieldsOf(sent['gitInfo']) ?? {};
  const state = textOf(sent['state']);
  return {
    id,
    schedule,
    status: statusOf(state),
    ...defined({
      state,
      actor: textOf(sent['actor']),
      actorEmail: textOf(sent['actorEmail']),
      startedAt: timeOf(sent['startDttm']),
      endedAt: timeOf(sent['endDttm']),
      parentRunId: readId(sent['parentScheduleRunId']),
      branch: textOf(git['branch']),
      commitHash: textOf(git['commitHash']),
      pullRequestId: readId(git['pullRequestId']),
    }),
  };
}

/** Returns the state and the commands of a run. */
export function readRunDetail(sent: Fields, id: string): ParadimeApiRunDetail {
  const state = textOf(sent['state']);
  const commands = readEach(sent['commands'], readCommand);
  return { id, status: statusOf(state), ...defined({ state }), commands: commands.toSorted(byId) };
}

/** Returns a command with its files. */
export function readCommandDetail(sent: Fields, id: string): ParadimeApiCommandDetail {
  const artifacts = readEach(sent['resources'], (resource) => readArtifact(resource, id));
  return { ...commandOf(sent, id), ...defined({ runId: readId(sent['scheduleRunId']) }), artifacts };
}

/** Returns a workspace, or `undefined` if it has no uid. */
export function readWorkspace(sent: Fields): ParadimeApiWorkspace | undefined {
  const uid = readId(sent['uid']);
  return uid === undefined ? undefined : { uid, ...defined({ name: textOf(sent['name']) }) };
}

function readCommand(sent: Fields): ParadimeApiCommand | undefined {
  const id = readId(sent['id']);
  return id === undefined ? undefined : commandOf(sent, id);
}

function commandOf(sent: Fields, id: string): ParadimeApiCommand {
  const returnCode = Number.isSafeInteger(sent['returnCode']) ? Number(sent['returnCode']) : undefined;
  return {
    id,
    command: textOf(sent['command']) ?? '',
    ...defined({ returnCode, startedAt: timeOf(sent['startDttm']), endedAt: timeOf(sent['endDttm']) }),
  };
}

function readArtifact(sent: Fields, commandId: string): ParadimeApiArtifact | undefined {
  const id = readId(sent['id']);
  return id === undefined ? undefined : { id, path: textOf(sent['path']) ?? '', commandId };
}

/** Returns a string that is not blank. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? filled(value) : undefined;
}

function timeOf(value: unknown): Date | undefined {
  return parseTimestamp(textOf(value));
}

/** Ids of commands ascend, and are integers. */
function byId(one: ParadimeApiCommand, other: ParadimeApiCommand): number {
  return Number(one.id) - Number(other.id);
}
