/** A parsed body with the field names that dbt uses today. */
export interface CurrentShape {
  readonly value: unknown;
  /** Whether the body has the snake_case of the draft of 2022, in which started and canceled runs have no status. */
  readonly draft: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/** Older names of fields: snake_case from 2022, `webhooksID` from dbt's documentation of 2023 to 2025. */
const ENVELOPE_ALIASES: ReadonlyMap<string, string> = new Map([
  ['account_id', 'accountId'],
  ['event_id', 'eventId'],
  ['event_type', 'eventType'],
  ['webhook_id', 'webhookId'],
  ['webhooksID', 'webhookId'],
  ['webhook_name', 'webhookName'],
]);

const DATA_ALIASES: ReadonlyMap<string, string> = new Map([
  ['job_id', 'jobId'],
  ['job_name', 'jobName'],
  ['run_id', 'runId'],
  ['environment_id', 'environmentId'],
  ['environment_name', 'environmentName'],
  ['dbt_version', 'dbtVersion'],
  ['project_id', 'projectId'],
  ['project_name', 'projectName'],
  ['run_status', 'runStatus'],
  ['run_status_code', 'runStatusCode'],
  ['run_status_message', 'runStatusMessage'],
  ['run_reason', 'runReason'],
  ['run_started_at', 'runStartedAt'],
  ['run_finished_at', 'runFinishedAt'],
  ['run_errored_at', 'runErroredAt'],
  ['run_canceled_at', 'runCanceledAt'],
  ['run_cancelled_at', 'runCanceledAt'],
]);

/**
 * Returns the body with today's names of its fields. If a body has a field under both names, the older one is kept like
 * an unknown field. Values that are not objects are returned unchanged; validation rejects them.
 */
export function toCurrentShape(value: unknown): CurrentShape {
  if (!isFields(value)) return { value, draft: false };
  const envelope = rename(value, ENVELOPE_ALIASES);
  const draft = !Object.hasOwn(value, 'eventType') && Object.hasOwn(value, 'event_type');
  const sent = value['data'] ?? {};
  if (!isFields(sent)) return { value: envelope, draft };
  const data = rename(sent, DATA_ALIASES);
  // The draft contains the webhook's name in `data`.
  const { webhook_name: webhookName } = draft ? data : {};
  if (webhookName === undefined && envelope === value && data === value['data']) return { value, draft };
  return { value: { ...(webhookName !== undefined && { webhookName }), ...envelope, data }, draft };
}

/** Returns the same object if no field has an older name, as in all of today's bodies. */
function rename(fields: Fields, aliases: ReadonlyMap<string, string>): Fields {
  const names = Object.keys(fields);
  if (!names.some((name) => aliases.has(name))) return fields;
  const taken = new Set(names);
  // `Object.fromEntries` creates an own property for the key `__proto__` as well.
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => {
      const name = aliases.get(key);
      if (name === undefined || taken.has(name)) return [key, value];
      taken.add(name);
      return [name, value];
    }),
  );
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
