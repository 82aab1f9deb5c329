import { RUN_SIGNAL_TYPES } from 'nestjs-runhooks/core';
import type { DispatchScript, HandlerPlan } from './dispatch-script.js';

const handler = (id: string, plan: Partial<HandlerPlan>): HandlerPlan => ({
  id,
  types: RUN_SIGNAL_TYPES,
  attemptsMax: 2,
  delayMs: 0,
  does: ['ok'],
  ...plan,
});

/** Scripts that once broke a promise; their titles are what is promised. */
export const FOUND_DISPATCH: Readonly<Record<string, DispatchScript>> = {
  'a clock that jumps on between two claims of a pass makes nothing run twice at the same time': {
    handlers: [
      handler('fails', { does: ['fail'] }),
      // With a place of its own, and so with a claim of its own, the second one in each pass.
      handler('runs-meanwhile', { does: ['slow'], concurrency: 2 }),
    ],
    steps: [
      { do: 'send', id: '', run: 0, says: ['run.started'] },
      { do: 'work', atCall: 3, mishap: 'clock on an hour' },
    ],
  },
};
