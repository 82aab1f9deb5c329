import { readFileSync } from 'node:fs';

const FIXTURES = new URL('../../../test/fixtures/', import.meta.url);

/** Returns a payload byte for byte as its provider sent or documented it. */
export function sample(name: string): Buffer {
  return readFileSync(new URL(name, FIXTURES));
}

/**
 * Returns a dbt sample about a separate run and event, because dbt's documentation uses the same ids for different
 * runs. Field names are the current ones or those of the 2022 draft. `envelope` and `data` are further changes.
 */
export function sampleOfRun(name: string, runId: string, envelope: object = {}, data: object = {}): string {
  const payload = JSON.parse(sample(name).toString()) as { event_id?: unknown; data: object };
  const isDraft = 'event_id' in payload;
  return JSON.stringify({
    ...payload,
    [isDraft ? 'event_id' : 'eventId']: `wev_demo${runId}`,
    ...envelope,
    data: { ...payload.data, [isDraft ? 'run_id' : 'runId']: runId, ...data },
  });
}
