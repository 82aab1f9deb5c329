import type { ObjectTypes } from './graphql-schema.js';

function scalars(names: string): Readonly<Record<string, null>> {
  return Object.fromEntries(names.split(' ').map((name) => [name, null]));
}

/** Objects and their fields, as Paradime's documentation and its SDK for Python ask for them. */
export const PARADIME_OBJECTS: ObjectTypes = {
  BoltCommandResult: {
    ...scalars('command startDttm endDttm stdout stderr returnCode scheduleRunId'),
    resources: 'BoltResource',
  },
  BoltResource: scalars('id path'),
  BoltResourceUrl: scalars('ok url'),
  BoltRunStatus: { state: null, commands: 'BoltRunCommand' },
  BoltRunCommand: scalars('id command startDttm endDttm stdout stderr returnCode'),
  BoltCommandLogs: { lines: 'BoltLogLine', ...scalars('cursor finished') },
  BoltLogLine: scalars('stream line'),
  BoltRuns: { ok: null, runs: 'BoltRun' },
  BoltRun: {
    ...scalars('id state actor actorEmail startDttm endDttm parentScheduleRunId'),
    gitInfo: 'BoltRunGitInfo',
  },
  BoltRunGitInfo: scalars('branch commitHash pullRequestId'),
  BoltScheduleInfo: scalars('ok latestRunId commands owner schedule uuid source suspended'),
  Workspaces: { ok: null, workspaces: 'Workspace' },
  Workspace: scalars('name uid'),
  BoltSchedules: { schedules: 'BoltSchedule', totalCount: null },
  BoltSchedule: {
    ...scalars('name slug schedule owner lastRunAt lastRunState nextRunAt id uuid source suspended commands gitBranch'),
    ...scalars('slackOn slackNotify emailOn emailNotify'),
    turboCi: 'BoltDeferredSchedule',
    deferredSchedule: 'BoltDeferredSchedule',
    notifications: 'BoltNotifications',
  },
  BoltDeferredSchedule: scalars('enabled deferredScheduleName deferredScheduleSlug successfulRunOnly'),
  BoltNotifications: {
    emailNotifications: 'BoltNotificationItem',
    slackNotifications: 'BoltNotificationItem',
    msTeamsNotifications: 'BoltNotificationItem',
  },
  BoltNotificationItem: scalars('channel events templateSlug templateName'),
  Ok: scalars('ok'),
  RunId: scalars('runId'),
};
