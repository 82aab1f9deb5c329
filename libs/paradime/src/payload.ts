import { IsOptional } from 'class-validator';
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
import { MayBeBlank, NotBlank } from './blank.js';

/** Decorator for an id without which its object is useless. */
function DecidingId(): PropertyDecorator {
  const decorators = [Deciding(), IdField(), NotBlank('an id')];
  return (target, property) => {
    for (const decorate of decorators) decorate(target, property);
  };
}

/** A file that a command wrote. */
export class ParadimeResource {
  @DecidingId()
  readonly id!: string;
  /** Path of the file, for example `target/run_results.json`. */
  @MayBeBlank()
  @TextField()
  readonly path?: string | null;
  /** GraphQL query for this object. Do not run it; write your own, with {@link id} as a variable. */
  @MayBeBlank()
  @TextField()
  readonly resource_query?: string | null;
}

/** A command of a run. Bolt runs `git clone …` and `dbt deps` before the commands of the schedule. */
export class ParadimeCommand {
  @MayBeBlank()
  @IdField()
  readonly id?: string | null;
  /** The command as text. Paradime shortens `git clone ...`. */
  @MayBeBlank()
  @TextField()
  readonly command?: string | null;
  /** Status, for example `succeeded` or `failed`. Paradime does not publish a list. */
  @MayBeBlank()
  @TextField()
  readonly status?: string | null;
  @MayBeBlank()
  @IntegerField()
  readonly return_code?: number | null;
  /** Start of the command, in UTC without a zone, for example `2023-10-15 16:44:14.576471`. */
  @MayBeBlank()
  @TimestampField()
  readonly start_dttm?: string | null;
  @MayBeBlank()
  @TimestampField()
  readonly end_dttm?: string | null;
  /** GraphQL query for this object. Do not run it; write your own, with {@link id} as a variable. */
  @MayBeBlank()
  @TextField()
  readonly api_query?: string | null;
  @IsOptional()
  @ListField(() => ParadimeResource)
  readonly json_resources?: readonly ParadimeResource[] | null;
}

/** Cause of a run, and the code that it runs on. */
export class ParadimeEnvironment {
  /** Cause of the run, for example `Scheduler` or `Manual`. */
  @MayBeBlank()
  @TextField()
  readonly actor?: string | null;
  @MayBeBlank()
  @TextField()
  readonly email?: string | null;
  @MayBeBlank()
  @TextField()
  readonly branch?: string | null;
  @MayBeBlank()
  @TextField()
  readonly commit_hash?: string | null;
}

/**
 * Configuration of a schedule. Paradime's releases add fields. Only the names of the schedule and of its environment are
 * validated; other fields are kept as they were sent.
 */
export class ParadimeSchedule {
  @MayBeBlank()
  @LabelField()
  readonly name?: string | null;
  /** Identifier, of newer schedules only. */
  @MayBeBlank()
  @LabelField()
  readonly slug?: string | null;
  /** Label, of newer schedules only. */
  @MayBeBlank()
  @LabelField()
  readonly display_name?: string | null;
  /** Environment, for example `production`. */
  @MayBeBlank()
  @LabelField()
  readonly environment?: string | null;
  /** Documented as a cron expression, `@daily` or `OFF`. */
  readonly schedule?: unknown;
  /** Documented as an array of strings. */
  readonly commands?: unknown;
  readonly git_branch?: unknown;
  readonly owner_email?: unknown;
  /** A string or an array of strings, as the next three fields. */
  readonly slack_notify?: unknown;
  readonly slack_on?: unknown;
  readonly email_notify?: unknown;
  readonly email_on?: unknown;
  readonly deferred_schedule?: unknown;
  readonly hightouch?: unknown;
  readonly turbo_ci?: unknown;
}

/** A workspace of Paradime. */
export class ParadimeWorkspace {
  @DecidingId()
  readonly uid!: string;
  @MayBeBlank()
  @LabelField()
  readonly name?: string | null;
}

/**
 * Body of both webhooks (https://docs.paradime.io/app-help/developers/webhooks/getting-started). A started run has no
 * `commands`, `end_dttm` and `error_string`. Ids are strings, even if Paradime sent numbers. Fields that are not declared
 * here are kept. An invalid field is absent, and the message has a note about it. An invalid `id`, `workspace.uid` or, if
 * the run is over, `status` quarantines the message.
 */
export class ParadimePayload {
  /** Id of the run. */
  @DecidingId()
  readonly id!: string;
  /** Not documented; it seems to identify the schedule rather than the run. */
  @MayBeBlank()
  @TextField()
  readonly uuid?: string | null;
  @Deciding()
  @ObjectField(() => ParadimeWorkspace)
  readonly workspace!: ParadimeWorkspace;
  @MayBeBlank()
  @LabelField()
  readonly schedule_name?: string | null;
  @IsOptional()
  @ObjectField(() => ParadimeSchedule)
  readonly schedule?: ParadimeSchedule | null;
  @IsOptional()
  @ObjectField(() => ParadimeEnvironment)
  readonly environment?: ParadimeEnvironment | null;
  /** Status, for example `failed`. It decides the outcome of a completed run, and means nothing for a started run. */
  @MayBeBlank()
  @TextField()
  readonly status?: string | null;
  @MayBeBlank()
  @TextField()
  readonly error_string?: string | null;
  /** Start of the run, in UTC without a zone, for example `2023-10-15 16:44:01.476190`. */
  @MayBeBlank()
  @TimestampField()
  readonly start_dttm?: string | null;
  @MayBeBlank()
  @TimestampField()
  readonly end_dttm?: string | null;
  @IsOptional()
  @ListField(() => ParadimeCommand)
  readonly commands?: readonly ParadimeCommand[] | null;
  /** Page of the run. */
  @MayBeBlank()
  @TextField()
  readonly run_url?: string | null;
  /** Address of the API. Never send credentials to an address from a message. */
  @MayBeBlank()
  @TextField()
  readonly api_url?: string | null;
}
