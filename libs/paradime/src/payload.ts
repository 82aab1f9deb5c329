import { IsNotIn, IsOptional } from 'class-validator';
import {
  Deciding,
  IdField,
  IntegerField,
  LabelField,
  ListField,
  ObjectField,
  TextField,
  TimestampField,
} from 'nestjs-runhooks/core';
import { MayBeNothing, NOTHINGS } from './nothing.js';

/** An id without which its object says nothing. */
function DecidingId(): PropertyDecorator {
  const decorators = [Deciding(), IdField(), IsNotIn(NOTHINGS, { message: 'an id' })];
  return (target, property) => {
    for (const decorate of decorators) decorate(target, property);
  };
}

/** A file that a command left behind. */
export class ParadimeResource {
  @DecidingId()
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
  @MayBeNothing()
  @IdField()
  readonly id?: string | null;
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
  @LabelField()
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
  @DecidingId()
  readonly uid!: string;
  @MayBeNothing()
  @LabelField()
  readonly name?: string | null;
}

/**
 * The body of both webhooks: a started run has no `commands`, `end_dttm` and `error_string`. Ids are texts, whatever
 * was sent; fields that are not listed here are kept. A field that does not fit is absent, with a note on the message;
 * only `id` and `workspace.uid` have to, and `status` where the run is over.
 * (https://docs.paradime.io/app-help/developers/webhooks/getting-started)
 */
export class ParadimePayload {
  /** The run. */
  @DecidingId()
  readonly id!: string;
  /** Not documented; it seems to name the schedule rather than the run. */
  @MayBeNothing()
  @TextField()
  readonly uuid?: string | null;
  @Deciding()
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
  /** An open list of words, for example `failed`. Decides what became of a run that is over; on a started run it means nothing. */
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
