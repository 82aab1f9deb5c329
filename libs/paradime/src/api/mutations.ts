import type { ActionRefusalReason } from 'nestjs-runhooks/core';
import type { ParadimeOperation } from './queries.js';

/** Reason for which Paradime refuses a mutation. */
export type ParadimeRefusal = Extract<ActionRefusalReason, 'busy' | 'not-failed' | 'over' | 'other'>;

/** A mutation of Paradime's GraphQL API. */
export interface ParadimeMutation extends ParadimeOperation {
  /** Words of Paradime's errors by which a refusal is recognized. Paradime documents no codes. */
  readonly refusals: readonly (readonly [words: RegExp, reason: ParadimeRefusal])[];
}

const BUSY = [/already ?running/i, 'busy'] as const;

/**
 * Every mutation that Runhooks sends. The texts are constant, as those of the queries. They follow Paradime's Python SDK
 * (https://github.com/paradime-io/paradime-python-sdk, `paradime/apis/bolt/client.py`).
 *
 * The error of a busy schedule, `AlreadyRunningException`, is known from Paradime's integration for Dagster. The other words are
 * assumptions: with other words, a refusal has the reason `other`.
 */
export const MUTATIONS = {
  trigger: {
    field: 'triggerBoltRun',
    text: `mutation triggerBoltRun($slug: String, $commands: [String!], $branch: String, $prNumber: Int, $reason: String, $continueOnError: Boolean) {
  triggerBoltRun(slug: $slug, commands: $commands, branch: $branch, prNumber: $prNumber, reason: $reason, continueOnError: $continueOnError) {
    runId
  }
}`,
    refusals: [BUSY],
  },
  retry: {
    field: 'retryBoltRun',
    text: `mutation retryBoltRun($scheduleRunId: Int!) {
  retryBoltRun(scheduleRunId: $scheduleRunId) { runId }
}`,
    refusals: [BUSY, [/only (?:a )?failed|(?:not|n't) (?:have )?failed|did not fail|no failed/i, 'not-failed']],
  },
  cancel: {
    field: 'cancelBoltRun',
    text: `mutation cancelBoltRun($scheduleRunId: Int!) {
  cancelBoltRun(scheduleRunId: $scheduleRunId) { ok }
}`,
    refusals: [[/not running|already (?:over|ended|finished|completed|cancell?ed)/i, 'over']],
  },
} as const satisfies Readonly<Record<string, ParadimeMutation>>;

/** Remedies of refusals, without a period. */
export const REFUSAL_REMEDIES: Readonly<Record<ParadimeRefusal, string>> = {
  busy: 'Call it again after the run of the schedule has ended',
  'not-failed': 'Retry only runs that failed',
  over: 'Cancel only runs that have not ended',
  other: 'Check the arguments, and the schedule and its last run in Paradime',
};
