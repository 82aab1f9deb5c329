/** Bytes of a chunk, as a socket delivers them. */
const CHUNK_BYTES = 64 * 1024;

/** Number of failing tests in a large `run_results.json`. */
export const FAILING_TESTS = 5_000;

/** Creates a `run_results.json` of this size while it is read, so that it needs neither a disk nor memory. */
export function largeRunResults(bytes: number): AsyncGenerator<Uint8Array, void> {
  return document(
    '{"metadata":{"dbt_version":"1.11.0"},"results":[',
    resultRow,
    '],"elapsed_time":60,"args":{"which":"build"}}',
    bytes,
  );
}

/** Creates a `manifest.json` of this size. Its nodes are called by {@link nodeId}. */
export function largeManifest(bytes: number): AsyncGenerator<Uint8Array, void> {
  const groups = '"groups":{"group.shop.finance":{"name":"finance","owner":{"name":"Finance"}}}';
  return document('{"metadata":{"dbt_version":"1.11.0"},"nodes":{', manifestEntry, `},${groups}}`, bytes);
}

export function nodeId(index: number): string {
  return `model.shop.model_${index}`;
}

async function* document(
  head: string,
  member: (index: number) => string,
  tail: string,
  bytes: number,
): AsyncGenerator<Uint8Array, void> {
  let chunk = head;
  let written = 0;
  for (let index = 0; written + chunk.length < bytes; index++) {
    chunk += `${index === 0 ? '' : ','}${member(index)}`;
    if (chunk.length < CHUNK_BYTES) continue;
    yield Buffer.from(chunk);
    written += chunk.length;
    chunk = '';
  }
  yield Buffer.from(chunk + tail);
}

const COMPILED_CODE = 'select \\"id\\", count(*) as n\\nfrom \\"shop\\".\\"main\\".\\"orders\\"\\ngroup by 1\\n'.repeat(
  7,
);
const ERROR = 'Got 4 results, configured to fail if != 0\\n  compiled code at target/compiled/shop/models/'.repeat(8);

/** A row has 1.0 KB, as those of dbt 1.11 with their compiled code. */
function resultRow(index: number): string {
  const hasFailed = index < FAILING_TESTS;
  return (
    `{"status":"${hasFailed ? 'fail' : 'pass'}","timing":[{"name":"compile","started_at":"2026-03-01T02:00:00.000000Z",` +
    `"completed_at":"2026-03-01T02:00:01.000000Z"},{"name":"execute","started_at":"2026-03-01T02:00:01.000000Z",` +
    `"completed_at":"2026-03-01T02:00:02.000000Z"}],"thread_id":"Thread-1","execution_time":1.03,"adapter_response":{},` +
    `"message":${hasFailed ? `"${ERROR}"` : 'null'},"failures":${hasFailed ? 4 : 0},` +
    `"unique_id":"test.shop.not_null_model_${index}_id.${String(index).padStart(10, '0')}","compiled":true,` +
    `"compiled_code":"${COMPILED_CODE}","relation_name":null,"batch_results":null}`
  );
}

const COLUMNS = Array.from(
  { length: 20 },
  (_, index) =>
    `"column_${index}":{"name":"column_${index}","description":"Column ${index} of the table.","meta":{},"data_type":null,` +
    `"constraints":[],"quote":null,"config":{"meta":{},"tags":[]},"tags":[]}`,
).join(',');

/** An entry has 5 KB: two copies of its code, and 20 columns. */
function manifestEntry(index: number): string {
  const id = nodeId(index);
  return (
    `"${id}":{"unique_id":"${id}","resource_type":"model","name":"model_${index}","package_name":"shop",` +
    `"original_file_path":"models/model_${index}.sql","tags":["nightly"],"description":"One row per order.",` +
    `"config":{"group":"finance","materialized":"table","meta":{}},"columns":{${COLUMNS}},` +
    `"raw_code":"${COMPILED_CODE}","compiled_code":"${COMPILED_CODE}","depends_on":{"macros":[],"nodes":["${id}"]}}`
  );
}
