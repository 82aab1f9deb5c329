import { HANDLERS, HOUR, type Command, type ParsePlan, type Script } from './script.js';

const append = (body: number): Command => ({ do: 'append', source: 'dbt', key: 'a', body });
const CLAIM_MESSAGES: Command = { do: 'claim messages', sources: ['dbt'], limit: 5 };
const CLAIM_ONE: Command = { do: 'claim deliveries', handlers: HANDLERS, limit: 1 };
const settle = (as: 'succeeded' | 'dead'): Command => ({ do: 'settle', held: 0, as, lease: 'own' });

function record(...plans: Partial<ParsePlan>[]): Command {
  const common = { state: 'parsed', run: 0, reports: [], isEvent: false, handlers: ['by-run'] } as const;
  return { do: 'record', claim: 0, plans: plans.map((plan) => ({ ...common, ...plan })), lease: 'own' };
}

/** Scripts that once gave another result than the model. Each title states the expected behavior. */
export const FOUND: Readonly<Record<string, Script>> = {
  'keeps the order of messages recorded together in the lane of a job, whatever their runs': [
    [append(0), append(1), CLAIM_MESSAGES],
    [
      record(
        { run: 1, reports: ['run.canceled', 'run.completed'], isEvent: true, handlers: HANDLERS },
        { run: 0, reports: ['run.started'], handlers: HANDLERS },
      ),
    ],
    [{ do: 'claim deliveries', handlers: HANDLERS, limit: 5 }],
  ],
  'keeps a redriven delivery waiting until the running one of its lane is finished': [
    [append(0), append(1), CLAIM_MESSAGES],
    [record({ reports: ['run.started'] }, { reports: ['run.failed'] })],
    [CLAIM_ONE],
    [settle('dead')],
    [CLAIM_ONE],
    [{ do: 'redrive', what: 'all' }],
    [CLAIM_ONE],
    [settle('succeeded')],
    [CLAIM_ONE],
  ],
  'keeps the order of a lane across a restart with the clock set back': [
    [append(0), CLAIM_MESSAGES],
    [record({ reports: ['run.started'] })],
    [{ do: 'clock', ms: -HOUR }],
    [{ do: 'crash', by: 'kill' }],
    [append(1), CLAIM_MESSAGES],
    [record({ reports: ['run.failed'] })],
    [CLAIM_ONE],
    [{ do: 'clock', ms: HOUR }],
    [CLAIM_ONE],
    [settle('succeeded')],
    [CLAIM_ONE],
  ],
  'adds nothing by a replay of a purged event, and continues to claim': [
    [append(0), CLAIM_MESSAGES],
    [record({ reports: ['run.started'], handlers: [] })],
    [{ do: 'clock', ms: 1 }],
    [{ do: 'purge', finishedMs: 0, deadMs: 0, deduplicationMs: 0, limit: 1 }],
    [{ do: 'replay', id: 'r1', events: [0], handlers: ['free'] }],
    [append(1), CLAIM_MESSAGES],
    [record({ reports: ['run.failed'], handlers: ['free'] })],
    [CLAIM_ONE],
  ],
  'leaves nothing of a failing batch of recordings in progress': [
    [append(0), append(1), CLAIM_MESSAGES],
    [{ ...record({ reports: ['run.started'] }, { reports: ['run.failed'] }), poison: 0 } as Command],
  ],
};
