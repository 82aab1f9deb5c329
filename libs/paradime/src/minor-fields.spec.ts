import { readFileSync } from 'node:fs';
import { itIgnoresMinorFields, type Json, type Sample } from '../../../test/providers/minor-fields.js';
import { isBlank } from './blank.js';
import { paradime } from './source.js';

const [STARTED, FAILED] = ['run-started', 'run-completed-failed'].map(
  (name) =>
    JSON.parse(readFileSync(new URL(`../../../test/fixtures/paradime/${name}.json`, import.meta.url), 'utf8')) as Json,
) as [Json, Json];

/** The presence of `start_dttm` shows a start, and the status an end. */
const SAMPLES: readonly Sample[] = [
  { body: STARTED, deciding: /^(?:id|workspace|workspace\.uid)$/, present: /^start_dttm$/ },
  ...['succeeded', 'failed', 'canceled', 'skipped'].map((status) => ({
    body: { ...FAILED, status },
    deciding: /^(?:id|workspace|workspace\.uid|status)$/,
    present: /^start_dttm$/,
  })),
];

const STRINGS = ['uuid', 'schedule_name', 'status', 'error_string', 'start_dttm', 'end_dttm', 'run_url', 'api_url'];
const OBJECTS = ['schedule', 'environment', 'workspace'];

function mistyped(payload: Json): string[] {
  const commands = (payload['commands'] ?? []) as Json[];
  return [
    ...STRINGS.filter((name) => typeof (payload[name] ?? '') !== 'string'),
    ...OBJECTS.filter((name) => typeof (payload[name] ?? {}) !== 'object' || Array.isArray(payload[name])),
    ...commands.flatMap((command) => [
      ...['id', 'command', 'status', 'start_dttm', 'end_dttm'].filter(
        (name) => typeof (command[name] ?? '') !== 'string',
      ),
      ...(typeof (command['return_code'] ?? 0) === 'number' ? [] : ['return_code']),
      ...(Array.isArray(command['json_resources'] ?? []) ? [] : ['json_resources']),
    ]),
  ];
}

itIgnoresMinorFields({
  provider: paradime({ name: 'paradime', scheme: 'unsigned-insecure' }).open(),
  samples: SAMPLES,
  added: ['new'],
  odd: [1697388279, '1970-01-01 00:00:00', 'NaT', [[{}]]],
  isBlank,
  decided: ({ id, status, account }) => ({ id, status, account: account.id }),
  mistyped,
});
