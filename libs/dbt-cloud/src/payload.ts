import {
  Deciding,
  IdField,
  IntegerField,
  LabelField,
  NameField,
  ObjectField,
  TextField,
  TimestampField,
} from 'nestjs-runhooks/core';
import { MayBeBlank } from './blank.js';

/**
 * The `data` of a dbt webhook. Ids are strings, even if dbt sent numbers. An invalid field is absent, and the message has
 * a note about it; an invalid `jobId` or `runId` quarantines the message.
 */
export class DbtCloudRunData {
  /** Present in all message types that Runhooks knows. */
  @Deciding()
  @MayBeBlank()
  @IdField()
  readonly jobId!: string;
  @MayBeBlank()
  @LabelField()
  readonly jobName?: string | null;
  /** Present in all message types that Runhooks knows. */
  @Deciding()
  @MayBeBlank()
  @IdField()
  readonly runId!: string;
  @MayBeBlank()
  @IdField()
  readonly environmentId?: string | null;
  @MayBeBlank()
  @LabelField()
  readonly environmentName?: string | null;
  /** Version of dbt, for example `1.4.6` or `2025.9.30+21d3fd7`; not always a semantic version, and can be empty. */
  @MayBeBlank()
  @TextField()
  readonly dbtVersion?: string | null;
  /** Id of the project. dbt has sent it since February 2023. */
  @MayBeBlank()
  @IdField()
  readonly projectId?: string | null;
  @MayBeBlank()
  @LabelField()
  readonly projectName?: string | null;
  /** Status: `Running`, `Success` or `Errored`; `complete` in 2022. */
  @MayBeBlank()
  @TextField()
  readonly runStatus?: string | null;
  /**
   * Status code: 1 queued, 2 starting, 3 running, 10 success, 20 error, 30 cancelled. It decides the outcome of a
   * completed run. dbt has sent it since February 2023.
   */
  @MayBeBlank()
  @IntegerField()
  readonly runStatusCode?: number | null;
  /** Error message, or the string `None`. */
  @MayBeBlank()
  @TextField()
  readonly runStatusMessage?: string | null;
  /** Cause of the run, as free text. It can contain a person's email address. */
  @MayBeBlank()
  @TextField()
  readonly runReason?: string | null;
  /** Start of the run. All times are in UTC. */
  @MayBeBlank()
  @TimestampField()
  readonly runStartedAt?: string | null;
  /** End of the run, in `job.run.completed`. */
  @MayBeBlank()
  @TimestampField()
  readonly runFinishedAt?: string | null;
  /** Time of the error, in `job.run.errored`. */
  @MayBeBlank()
  @TimestampField()
  readonly runErroredAt?: string | null;
  /** Time of the cancellation, in the draft of 2022 only. */
  @MayBeBlank()
  @TimestampField()
  readonly runCanceledAt?: string | null;
}

/**
 * Body of dbt's account-level webhooks, with today's names of fields (https://docs.getdbt.com/docs/deploy/webhooks).
 * Fields that are not declared here are kept. A declared field that is invalid is absent. An invalid account, run, job or
 * type quarantines the message.
 */
export class DbtCloudPayload {
  /** Present in all message types that Runhooks knows. */
  @Deciding()
  @MayBeBlank()
  @IdField()
  readonly accountId!: string;
  /** Id of the webhook subscription, `wsu_…`. dbt also calls it `webhooksID`. */
  @MayBeBlank()
  @IdField()
  readonly webhookId?: string | null;
  /** Id of this message, `wev_…`. The two messages about one failed run have different ids. */
  @MayBeBlank()
  @IdField()
  readonly eventId?: string | null;
  /** Time at which dbt created the message, with up to nine fractional digits. */
  @MayBeBlank()
  @TimestampField()
  readonly timestamp?: string | null;
  /** Message type, for example `job.run.completed`, without spaces around it. */
  @Deciding()
  @MayBeBlank()
  @NameField()
  readonly eventType!: string;
  @MayBeBlank()
  @LabelField()
  readonly webhookName?: string | null;
  /** The run. An empty object if the body has no `data`. */
  @Deciding()
  @ObjectField(() => DbtCloudRunData)
  readonly data!: DbtCloudRunData;
}
