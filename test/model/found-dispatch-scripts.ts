import { RUN_SIGNAL_TYPES } from 'nestjs-runhooks/internal';
import type { DispatchScript, HandlerPlan } from './dispatch-script.js';

const handler = (id: string, plan: Partial<HandlerPlan>): HandlerPlan => ({
  id,
  types: RUN_SIGNAL_TYPES,
  attemptsMax: 2,
  delayMs: 0,
  does: ['ok'],
  ...plan,
});

/** Scripts that once broke a guarantee. Each title states the guarantee. */
export const FOUND_DISPATCH: Readonly<Record<string, DispatchScript>> = {
  'runs nothing twice at the same time when the clock jumps ahead between two claims of a pass': {
    handlers: [
      handler('fails', { does: ['fail'] }),
      // A handler with its own concurrency has its own claim, which is the second one in each pass.
      handler('runs-meanwhile', { does: ['slow'], concurrency: 2 }),
    ],
    steps: [
      { do: 'send', id: '', run: 0, reports: ['run.started'] },
      { do: 'work', atCall: 3, mishap: 'clock on an hour' },
    ],
  },
};
