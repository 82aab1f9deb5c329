import { IdField, IntegerField, NameField, ObjectField, TextField, TimestampField } from 'nestjs-runhooks/core';
import { MayBeNothing } from './nothing.js';

/** A run as dbt describes it. Ids are texts, whether dbt sent texts or numbers. */
export class DbtCloudRunData {
  /** Always there in the message types that Runhooks knows. */
  @MayBeNothing()
  @IdField()
  readonly jobId!: string;
  @MayBeNothing()
  @TextField()
  readonly jobName?: string | null;
  /** Always there in the message types that Runhooks knows. */
  @MayBeNothing()
  @IdField()
  readonly runId!: string;
  @MayBeNothing()
  @IdField()
  readonly environmentId?: string | null;
  @MayBeNothing()
  @TextField()
  readonly environmentName?: string | null;
  /** For example `1.4.6`, `2025.9.30+21d3fd7`, or an empty text. Not always a semantic version. */
  @MayBeNothing()
  @TextField()
  readonly dbtVersion?: string | null;
  /** Since February 2023. */
  @MayBeNothing()
  @IdField()
  readonly projectId?: string | null;
  @MayBeNothing()
  @TextField()
  readonly projectName?: string | null;
  /** `Running`, `Success` or `Errored`; `complete` in 2022. */
  @MayBeNothing()
  @TextField()
  readonly runStatus?: string | null;
  /** 1 queued, 2 starting, 3 running, 10 success, 20 error, 30 cancelled. Since February 2023. */
  @MayBeNothing()
  @IntegerField()
  readonly runStatusCode?: number | null;
  /** The text `None` if there is no message. */
  @MayBeNothing()
  @TextField()
  readonly runStatusMessage?: string | null;
  /** What started the run, in free text. May hold a person's e-mail address. */
  @MayBeNothing()
  @TextField()
  readonly runReason?: string | null;
  /** UTC, as the other times. */
  @MayBeNothing()
  @TimestampField()
  readonly runStartedAt?: string | null;
  /** On `job.run.completed`. */
  @MayBeNothing()
  @TimestampField()
  readonly runFinishedAt?: string | null;
  /** On `job.run.errored`. */
  @MayBeNothing()
  @TimestampField()
  readonly runErroredAt?: string | null;
  /** In the draft of 2022 only. */
  @MayBeNothing()
  @TimestampField()
  readonly runCanceledAt?: string | null;
}

/**
 * The body of dbt's account-level webhooks in the form of today, whichever generation was sent. Fields that are not
 * listed here are kept. (https://docs.getdbt.com/docs/deploy/webhooks)
 */
export class DbtCloudPayload {
  /** Always there in the message types that Runhooks knows. */
  @MayBeNothing()
  @IdField()
  readonly accountId!: string;
  /** Of the subscription, `wsu_…`. Also where it was sent as `webhooksID`. */
  @MayBeNothing()
  @IdField()
  readonly webhookId?: string | null;
  /** Of this message, `wev_…`: two messages about one failed run have two. */
  @MayBeNothing()
  @IdField()
  readonly eventId?: string | null;
  /** When dbt made the message, with up to nine digits after the second. */
  @MayBeNothing()
  @TimestampField()
  readonly timestamp?: string | null;
  /** For example `job.run.completed`. */
  @MayBeNothing()
  @NameField()
  readonly eventType!: string;
  @MayBeNothing()
  @TextField()
  readonly webhookName?: string | null;
  /** Empty if none was sent. */
  @ObjectField(() => DbtCloudRunData)
  readonly data!: DbtCloudRunData;
}
