import { dttm } from '../../webhooks/paradime-dttm.js';
import { FAKE_LIMITS } from '../../limits.js';
import type { BoltCommand, BoltRun, BoltRunState } from './bolt-run.js';
import type { BoltSchedule } from './bolt-schedule.js';
import { COMMIT_HASH } from './bolt-webhook.js';
import type { BoltWorkspace } from './bolt-workspace.js';
import { GraphqlRefusal } from './graphql-refusal.js';
import type { Arguments, RootField, Schema } from './graphql-schema.js';
import { PARADIME_OBJECTS } from './paradime-objects.js';

/** Workspace and rights of a call. */
export interface ParadimeContext {
  readonly workspace: BoltWorkspace;
  readonly canAct: boolean;
  /** Returns a presigned URL of a file. */
  presign(resourceId: number): string;
}

type Fields = Readonly<Record<string, RootField<ParadimeContext>>>;

const SLUG = { slug: 'String', scheduleName: 'String' } as const;
const PAGE = { offset: 'Int!', limit: 'Int!' } as const;

const QUERIES: Fields = {
  boltCommand: {
    args: { commandId: 'Int!' },
    type: 'BoltCommandResult',
    resolve: ({ workspace }, { commandId }) => {
      const found = workspace.command(Number(commandId));
      if (found === undefined) throw new GraphqlRefusal('Command not found.');
      const { run, command } = found;
      const resources = command.resources.map(({ id, path }) => ({ id, path }));
      return { ...commandJson(command), scheduleRunId: Number(run.id), resources };
    },
  },
  boltResourceUrl: {
    args: { resourceId: 'Int!' },
    type: 'BoltResourceUrl',
    resolve: ({ workspace, presign }, { resourceId }) => {
      const isReady = workspace.contentOf(Number(resourceId)) !== undefined;
      return { ok: isReady, url: isReady ? presign(Number(resourceId)) : null };
    },
  },
  boltRunStatus: {
    args: { runId: 'Int!' },
    type: 'BoltRunStatus',
    resolve: ({ workspace }, { runId }) => {
      const run = workspace.runs.get(String(runId));
      // An unknown run is null, not an error.
      if (run === undefined) return null;
      const { state, commands } = run.states.current;
      return { state, commands: commands.map(commandJson) };
    },
  },
  boltCommandLogs: {
    args: { commandId: 'Int!', cursor: 'String' },
    type: 'BoltCommandLogs',
    resolve: ({ workspace }, { commandId, cursor }) => logsOf(workspace, Number(commandId), cursor),
  },
  listBoltRuns: {
    args: { ...SLUG, ...PAGE },
    type: 'BoltRuns',
    resolve: ({ workspace }, args) => {
      const [offset, limit] = pageOf(args, FAKE_LIMITS.paradimeRunsMax);
      const seenAt = seenAtOf(workspace);
      const runs = workspace
        .runsOf(scheduleOf(workspace, args))
        .filter(({ states }) => states.at(seenAt) !== undefined);
      const shown = [...runs].reverse().slice(offset, offset + limit);
      return { ok: true, runs: shown.map((run) => runJson(run, seenAt)) };
    },
  },
  boltScheduleName: {
    args: SLUG,
    type: 'BoltScheduleInfo',
    resolve: ({ workspace }, args) => {
      const schedule = scheduleOf(workspace, args);
      return schedule.toShortJson(workspace.runsOf(schedule).at(-1));
    },
  },
  listWorkspaces: {
    args: {},
    type: 'Workspaces',
    resolve: ({ workspace: { name, uid } }) => ({ ok: true, workspaces: [{ name, uid }] }),
  },
  listBoltSchedules: {
    args: { ...PAGE, showInactive: 'Boolean!', filter: 'BoltScheduleFilter' },
    type: 'BoltSchedules',
    resolve: ({ workspace }, args) => {
      const [offset, limit] = pageOf(args, FAKE_LIMITS.paradimeSchedulesMax);
      const { suspended } = { ...(args['filter'] as { suspended?: boolean } | null | undefined) };
      const found = workspace.schedules.filter(({ isActive, isSuspended }) => {
        return isActive !== args['showInactive'] && (suspended === undefined || suspended === isSuspended);
      });
      const seenAt = seenAtOf(workspace);
      const schedules = found
        .slice(offset, offset + limit)
        .map((schedule) => schedule.toJson(lastOf(workspace, schedule, seenAt)));
      return { schedules, totalCount: found.length };
    },
  },
};

const MUTATIONS: Fields = {
  triggerBoltRun: {
    args: {
      ...SLUG,
      commands: '[String!]',
      branch: 'String',
      prNumber: 'Int',
      reason: 'String',
      commandConfigs: '[BoltCommandInput!]',
      continueOnError: 'Boolean',
    },
    type: 'RunId',
    resolve: ({ workspace }, args) => {
      const schedule = scheduleOf(workspace, args);
      if (workspace.runsOf(schedule).some(({ isOpen }) => isOpen)) throw new GraphqlRefusal('AlreadyRunningException');
      const { commands, branch, prNumber, reason } = args;
      const options = {
        actor: 'API',
        ...(Array.isArray(commands) && { commands: commands.map(String) }),
        ...(typeof branch === 'string' && { branch }),
        ...(typeof prNumber === 'number' && { pullRequestId: prNumber }),
      };
      return runId(workspace.queue(schedule, options, typeof reason === 'string' ? reason : undefined));
    },
  },
  cancelBoltRun: {
    args: { scheduleRunId: 'Int!' },
    type: 'Ok',
    resolve: ({ workspace }, args) => {
      const run = runOf(workspace, args);
      if (!run.isOpen) return { ok: false };
      void run.cancel();
      return { ok: true };
    },
  },
  retryBoltRun: {
    args: { scheduleRunId: 'Int!' },
    type: 'RunId',
    resolve: ({ workspace }, args) => retry(workspace, runOf(workspace, args)),
  },
  retryAllBoltRun: {
    args: { scheduleRunId: 'Int!' },
    type: 'RunId',
    resolve: ({ workspace }, args) => {
      const run = runOf(workspace, args);
      return retry(workspace, run, run.commands);
    },
  },
  retryBoltRunFromFailure: {
    args: SLUG,
    type: 'RunId',
    resolve: ({ workspace }, args) => {
      const failed = workspace.runsOf(scheduleOf(workspace, args)).findLast(hasFailed);
      if (failed === undefined) throw new GraphqlRefusal('The schedule has no failed run.');
      return retry(workspace, failed);
    },
  },
  suspendBoltSchedule: {
    args: { ...SLUG, suspend: 'Boolean!' },
    type: 'Ok',
    resolve: ({ workspace }, args) => {
      scheduleOf(workspace, args).isSuspended = args['suspend'] === true;
      return { ok: true };
    },
  },
};

/** The operations that the fake knows. */
export const PARADIME_SCHEMA: Schema<ParadimeContext> = {
  objects: PARADIME_OBJECTS,
  roots: { query: QUERIES, mutation: Object.fromEntries(Object.entries(MUTATIONS).map(onlyIfAllowed)) },
};

function onlyIfAllowed([name, field]: [string, RootField<ParadimeContext>]): [string, RootField<ParadimeContext>] {
  const resolve: typeof field.resolve = (context, args) => {
    if (!context.canAct) throw new GraphqlRefusal('You do not have permission to perform this action.');
    return field.resolve(context, args);
  };
  return [name, { ...field, resolve }];
}

function retry(workspace: BoltWorkspace, run: BoltRun, commands = run.commandsToResume): object {
  if (!hasFailed(run)) throw new GraphqlRefusal('Only a failed run can be retried.');
  const { branch } = run;
  return runId(workspace.queue(run.of, { actor: 'API', commands, branch }, undefined, run));
}

function hasFailed({ state }: BoltRun): boolean {
  return state === 'FAILED' || state === 'ERROR' || state === 'CANCELED';
}

function runId({ id }: BoltRun): object {
  return { runId: Number(id) };
}

function runOf({ runs }: BoltWorkspace, { scheduleRunId }: Arguments): BoltRun {
  const run = runs.get(String(scheduleRunId));
  if (run === undefined) throw new GraphqlRefusal('Run not found.');
  return run;
}

/** Returns the schedule of exactly one of the two arguments; `scheduleName` is the deprecated one. */
function scheduleOf(workspace: BoltWorkspace, { slug, scheduleName }: Arguments): BoltSchedule {
  const [key, ...others] = [slug, scheduleName].filter((one) => typeof one === 'string');
  if (key === undefined || others.length > 0) {
    throw new GraphqlRefusal('Exactly one of slug and scheduleName must be provided.');
  }
  const schedule = workspace.schedule(key);
  if (schedule === undefined) throw new GraphqlRefusal('Schedule not found.');
  return schedule;
}

function pageOf({ offset, limit }: Arguments, max: number): [number, number] {
  const [from, count] = [Number(offset), Number(limit)];
  if (from < 0) throw new GraphqlRefusal('offset must not be negative.');
  if (count < 1 || count > max) throw new GraphqlRefusal(`limit must be between 1 and ${max}.`);
  return [from, count];
}

function lastOf(workspace: BoltWorkspace, schedule: BoltSchedule, seenAt: Date): BoltRunState | undefined {
  const last = workspace.runsOf(schedule).findLast(({ states }) => states.at(seenAt) !== undefined);
  return last?.states.at(seenAt);
}

function seenAtOf({ clock, faults }: BoltWorkspace): Date {
  return new Date(clock.now().getTime() - faults.listLagMs);
}

function commandJson({ id, command, startAt, endAt, stdout, stderr, returnCode }: BoltCommand): object {
  return { id, command, startDttm: orNull(startAt), endDttm: orNull(endAt), stdout, stderr, returnCode };
}

function runJson(run: BoltRun, seenAt: Date): object {
  const { options, parent } = run;
  const { state, startAt, endAt } = run.states.at(seenAt) ?? run.states.current;
  const change = run.workspace.faults.nextChange();
  const email = change === undefined ? (options.actorEmail ?? null) : `${change}@acme.example`;
  return {
    id: Number(run.id),
    state,
    actor: options.actor ?? 'Scheduler',
    actorEmail: email,
    startDttm: orNull(startAt),
    endDttm: orNull(endAt),
    parentScheduleRunId: parent === undefined ? null : Number(parent.id),
    gitInfo: {
      branch: run.branch,
      commitHash: options.commitHash === undefined ? COMMIT_HASH : options.commitHash,
      pullRequestId: options.pullRequestId ?? null,
    },
  };
}

function orNull(date: Date | null): string | null {
  return date === null ? null : dttm(date);
}

/** Returns a batch of lines after a cursor: those of the standard output first. */
function logsOf(workspace: BoltWorkspace, commandId: number, cursor: unknown): object {
  const found = workspace.command(commandId);
  if (found === undefined) throw new GraphqlRefusal('Command not found.');
  const [, from = '0'] = /^(\d+):0$/.exec(typeof cursor === 'string' ? cursor : '0:0') ?? [];
  const linesOf = (stream: string, text: string | null) =>
    (text ?? '').split('\n').flatMap((line) => (line === '' ? [] : [{ stream, line }]));
  const all = [...linesOf('STDOUT', found.command.stdout), ...linesOf('STDERR', found.command.stderr)];
  const to = Number(from) + FAKE_LIMITS.paradimeLogLines;
  const finished = found.command.endAt !== null && to >= all.length;
  return { lines: all.slice(Number(from), to), cursor: `${Math.min(to, all.length)}:0`, finished };
}
