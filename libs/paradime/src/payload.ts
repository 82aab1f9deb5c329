import { IsOptional, Matches } from 'class-validator';
import { IdField, IntegerField, LIMITS, ListField, ObjectField, TextField, TimestampField } from 'nestjs-runhooks/core';
import { MayBeNothing } from './nothing.js';

const LABEL = new RegExp(`^[^\\p{Cc}\\p{Cs}]{1,${LIMITS.idCharsMax}}$`, 'u');

/** What people call a schedule: any text that a database can keep and an index can hold. */
function LabelField(): PropertyDecorator {
  const text = TextField();
  const label = Matches(LABEL, {
    message: `a label of 1 to ${LIMITS.idCharsMax} characters, none of them a control character`,
  });
  return (target, property) => {
    text(target, property);
    label(target, property);
  };
}

/** A file that a command left behind. */
export class ParadimeResource {
  @IdField()
  readonly id!: string;
  /** For example `target/run_results.json`. */
  @MayBeNothing()
  @TextField()
  readonly path?: string | null;
  /** A ready-made GraphQL query. Data: build your own with {@link id} as a variable. */
  @MayBeNothing()
  @TextField()
  readonly resource_query?: string | null;
}

/** One command of a run. Bolt puts `git clone …` and `dbt deps` before those of the schedule. */
export class ParadimeCommand {
  @IdField()
  readonly id!: string;
  /** Display text; `git clone ...` is shortened by Paradime. */
  @MayBeNothing()
  @TextField()
  readonly command?: string | null;
  /** An open list of words, for example `succeeded`, `failed`. */
  @MayBeNothing()
  @TextField()
  readonly status?: string | null;
  @MayBeNothing()
  @IntegerField()
  readonly return_code?: number | null;
  /** UTC without a zone, for example `2023-10-15 16:44:14.576471`. */
  @MayBeNothing()
  @TimestampField()
  readonly start_dttm?: string | null;
  @MayBeNothing()
  @TimestampField()
  readonly end_dttm?: string | null;
  /** A ready-made GraphQL query. Data: build your own with {@link id} as a variable. */
  @MayBeNothing()
  @TextField()
  readonly api_query?: string | null;
  @IsOptional()
  @ListField(() => ParadimeResource)
  readonly json_resources?: readonly ParadimeResource[] | null;
}

/** What started the run, and on which code. */
export class ParadimeEnvironment {
  /** For example `Scheduler` or `Manual`. */
  @MayBeNothing()
  @TextField()
  readonly actor?: string | null;
  @MayBeNothing()
  @TextField()
  readonly email?: string | null;
  @MayBeNothing()
  @TextField()
  readonly branch?: string | null;
  @MayBeNothing()
  @TextField()
  readonly commit_hash?: string | null;
}

/**
 * The schedule's own configuration, which gains fields with Paradime's releases. Only what names the schedule and its
 * environment is checked; the rest is as sent.
 */
export class ParadimeSchedule {
  @MayBeNothing()
  @LabelField()
  readonly name?: string | null;
  /** Newer schedules only. */
  @MayBeNothing()
  @LabelField()
  readonly slug?: string | null;
  /** Newer schedules only. */
  @MayBeNothing()
  @LabelField()
  readonly display_name?: string | null;
  /** For example `production`. */
  @MayBeNothing()
  @TextField()
  readonly environment?: string | null;
  /** Documented as a cron line, `@daily` or `OFF`. */
  readonly schedule?: unknown;
  /** Documented as a list of texts. */
  readonly commands?: unknown;
  readonly git_branch?: unknown;
  readonly owner_email?: unknown;
  /** A text or a list of texts, as the other three about notifications. */
  readonly slack_notify?: unknown;
  readonly slack_on?: unknown;
  readonly email_notify?: unknown;
  readonly email_on?: unknown;
  readonly deferred_schedule?: unknown;
  readonly hightouch?: unknown;
  readonly turbo_ci?: unknown;
}

export class ParadimeWorkspace {
  @IdField()
  readonly uid!: string;
  @MayBeNothing()
  @TextField()
  readonly name?: string | null;
}

/**
 * The body of both webhooks: a started run has no `commands`, `end_dttm` and `error_string`. Ids are texts, whatever
 * was sent; fields that are not listed here are kept.
 * (https://docs.paradime.io/app-help/developers/webhooks/getting-started)
 */
export class ParadimePayload {
  /** The run. */
  @IdField()
  readonly id!: string;
  /** Not documented; it seems to name the schedule rather than the run. */
  @MayBeNothing()
  @TextField()
  readonly uuid?: string | null;
  @ObjectField(() => ParadimeWorkspace)
  readonly workspace!: ParadimeWorkspace;
  @MayBeNothing()
  @LabelField()
  readonly schedule_name?: string | null;
  @IsOptional()
  @ObjectField(() => ParadimeSchedule)
  readonly schedule?: ParadimeSchedule | null;
  @IsOptional()
  @ObjectField(() => ParadimeEnvironment)
  readonly environment?: ParadimeEnvironment | null;
  /** An open list of words, for example `failed`; on a started run it means nothing. */
  @MayBeNothing()
  @TextField()
  readonly status?: string | null;
  @MayBeNothing()
  @TextField()
  readonly error_string?: string | null;
  /** UTC without a zone, for example `2023-10-15 16:44:01.476190`. */
  @MayBeNothing()
  @TimestampField()
  readonly start_dttm?: string | null;
  @MayBeNothing()
  @TimestampField()
  readonly end_dttm?: string | null;
  @IsOptional()
  @ListField(() => ParadimeCommand)
  readonly commands?: readonly ParadimeCommand[] | null;
  /** The page of the run. */
  @MayBeNothing()
  @TextField()
  readonly run_url?: string | null;
  /** Data: never send credentials to an address that came with a message. */
  @MayBeNothing()
  @TextField()
  readonly api_url?: string | null;
}
