import { HANDLERS, HOUR, type Command, type ReadingPlan, type Script } from './script.js';

const append = (body: number): Command => ({ do: 'append', source: 'dbt', key: 'a', body });
const CLAIM_MESSAGES: Command = { do: 'claim messages', sources: ['dbt'], limit: 5 };
const CLAIM_ONE: Command = { do: 'claim deliveries', handlers: HANDLERS, limit: 1 };
const settle = (as: 'succeeded' | 'dead'): Command => ({ do: 'settle', held: 0, as, lease: 'own' });

function record(...plans: Partial<ReadingPlan>[]): Command {
  const common = { state: 'parsed', run: 0, says: [], isEvent: false, handlers: ['by-run'] } as const;
  return { do: 'record', claim: 0, plans: plans.map((plan) => ({ ...common, ...plan })), lease: 'own' };
}

/** Scripts that once led somewhere else than the model; their titles are what is promised. */
export const FOUND: Readonly<Record<string, Script>> = {
  'a lane of a job keeps the order of messages that are recorded together, of whatever runs': [
    [append(0), append(1), CLAIM_MESSAGES],
    [
      record(
        { run: 1, says: ['run.canceled', 'run.completed'], isEvent: true, handlers: HANDLERS },
        { run: 0, says: ['run.started'], handlers: HANDLERS },
      ),
    ],
    [{ do: 'claim deliveries', handlers: HANDLERS, limit: 5 }],
  ],
  'a redriven delivery waits until the one of its lane that runs is settled': [
    [append(0), append(1), CLAIM_MESSAGES],
    [record({ says: ['run.started'] }, { says: ['run.failed'] })],
    [CLAIM_ONE],
    [settle('dead')],
    [CLAIM_ONE],
    [{ do: 'redrive', what: 'all' }],
    [CLAIM_ONE],
    [settle('succeeded')],
    [CLAIM_ONE],
  ],
  'a lane keeps its order through a restart with the clock set back': [
    [append(0), CLAIM_MESSAGES],
    [record({ says: ['run.started'] })],
    [{ do: 'clock', ms: -HOUR }],
    [{ do: 'crash', by: 'kill' }],
    [append(1), CLAIM_MESSAGES],
    [record({ says: ['run.failed'] })],
    [CLAIM_ONE],
    [{ do: 'clock', ms: HOUR }],
    [CLAIM_ONE],
    [settle('succeeded')],
    [CLAIM_ONE],
  ],
  'a replay adds nothing for an event that was purged, and claims go on': [
    [append(0), CLAIM_MESSAGES],
    [record({ says: ['run.started'], handlers: [] })],
    [{ do: 'clock', ms: 1 }],
    [{ do: 'purge', finishedMs: 0, deadMs: 0, deduplicationMs: 0, limit: 1 }],
    [{ do: 'replay', id: 'r1', events: [0], handlers: ['free'] }],
    [append(1), CLAIM_MESSAGES],
    [record({ says: ['run.failed'], handlers: ['free'] })],
    [CLAIM_ONE],
  ],
  'a recording that fails leaves none of its batch under way': [
    [append(0), append(1), CLAIM_MESSAGES],
    [{ ...record({ says: ['run.started'] }, { says: ['run.failed'] }), poison: 0 } as Command],
  ],
};
