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
import { MayBeNothing } from './nothing.js';

/**
 * A run as dbt describes it. Ids are texts, whether dbt sent texts or numbers. A field that does not fit is absent,
 * with a note on the message; only `jobId` and `runId` have to.
 */
export class DbtCloudRunData {
  /** Always there in the message types that Runhooks knows. */
  @Deciding()
  @MayBeNothing()
  @IdField()
  readonly jobId!: string;
  @MayBeNothing()
  @LabelField()
  readonly jobName?: string | null;
  /** Always there in the message types that Runhooks knows. */
  @Deciding()
  @MayBeNothing()
  @IdField()
  readonly runId!: string;
  @MayBeNothing()
  @IdField()
  readonly environmentId?: string | null;
  @MayBeNothing()
  @LabelField()
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
  @LabelField()
  readonly projectName?: string | null;
  /** `Running`, `Success` or `Errored`; `complete` in 2022. */
  @MayBeNothing()
  @TextField()
  readonly runStatus?: string | null;
  /** 1 queued, 2 starting, 3 running, 10 success, 20 error, 30 cancelled. Since February 2023. Decides what became of a completed run. */
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
 * listed here are kept; those that are and do not fit are absent, unless they decide: account, run, job and type. (https://docs.getdbt.com/docs/deploy/webhooks)
 */
export class DbtCloudPayload {
  /** Always there in the message types that Runhooks knows. */
  @Deciding()
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
  /** For example `job.run.completed`, without space around it. */
  @Deciding()
  @MayBeNothing()
  @NameField()
  readonly eventType!: string;
  @MayBeNothing()
  @LabelField()
  readonly webhookName?: string | null;
  /** Empty if none was sent. */
  @Deciding()
  @ObjectField(() => DbtCloudRunData)
  readonly data!: DbtCloudRunData;
}
