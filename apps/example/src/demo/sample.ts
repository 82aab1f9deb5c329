import { readFileSync } from 'node:fs';

const FIXTURES = new URL('../../../test/fixtures/', import.meta.url);

/** A payload as its provider sent or documented it, byte for byte. */
export function sample(name: string): Buffer {
  return readFileSync(new URL(name, FIXTURES));
}

/**
 * A sample of dbt's about a run and an event of its own: dbt's documentation uses the same ids for different runs. The
 * names of fields are those of today or of the draft of 2022. `envelope` and `data` are further changes.
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
