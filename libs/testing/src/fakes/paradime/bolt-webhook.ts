import { dttm } from '../../webhooks/paradime-dttm.js';
import { commandOf, resourceOf } from '../../webhooks/paradime-commands.js';
import type { PayloadOverride } from '../../webhooks/payload-override.js';
import type { BoltCommand, BoltRun } from './bolt-run.js';

/** Default of `gitInfo.commitHash`. */
export const COMMIT_HASH = '54a134583ef6dccbe154e30e1cd09a9d94b6bda0';

/** Returns what a webhook about a run has instead of the values that `paradimeWebhook` has by default. */
export function payloadOf(run: BoltRun, apiUrl: string): PayloadOverride {
  const { options, of: schedule, workspace, id } = run;
  const { startAt, endAt, error, commands } = run.states.current;
  return {
    api_url: apiUrl,
    environment: {
      actor: options.actor ?? 'Scheduler',
      branch: run.branch,
      commit_hash: options.commitHash === undefined ? COMMIT_HASH : options.commitHash,
      email: options.actorEmail ?? null,
    },
    id: Number(id),
    run_url: `https://app.paradime.io/bolt/run_id/${id}`,
    schedule: schedule.toPayload(),
    schedule_name: schedule.name,
    start_dttm: startAt === null ? null : dttm(startAt),
    uuid: schedule.uuid,
    workspace: { name: workspace.name, uid: workspace.uid },
    ...(run.isOpen || endAt === null
      ? {}
      : { commands: commands.map(commandPayload), end_dttm: dttm(endAt), error_string: error }),
  };
}

function commandPayload({ id, command, startAt, endAt, returnCode, resources }: BoltCommand): PayloadOverride {
  return commandOf(id, {
    command,
    end_dttm: endAt === null ? null : dttm(endAt),
    json_resources: resources.map((resource) => resourceOf(resource.id, resource.path)),
    return_code: returnCode,
    start_dttm: startAt === null ? null : dttm(startAt),
    status: returnCode === 0 ? 'succeeded' : 'failed',
  });
}
