import type { Run } from 'nestjs-runhooks/core';
import type { DbtCloudApiRun } from '../api/api-objects.js';

/**
 * Returns whether a run says nothing about the state of its environment: it belongs to CI or to a pull request, or its schema or
 * target is overridden. The run of a merge job builds the environment itself, although it can name the pull request that was
 * merged.
 */
export function isIsolated(
  { trigger: told, commit }: Run,
  { trigger = {}, jobType }: Pick<DbtCloudApiRun, 'trigger' | 'jobType'>,
): boolean {
  const { category, pullRequestId, schemaOverride, targetOverride } = trigger;
  if (schemaOverride !== undefined || targetOverride !== undefined) return true;
  if (jobType === 'merge' || category === 'merge') return false;
  const pullRequest = pullRequestId ?? commit?.pullRequest;
  return jobType === 'ci' || category === 'ci' || told.kind === 'ci' || pullRequest !== undefined;
}
