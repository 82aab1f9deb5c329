import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { OnRun, type DeliveryContext, type RunEvent } from 'nestjs-runhooks';
import { ProcessLedger, retry, WANTED } from '../crash/crash-app.js';
import type { Wanted } from '../crash/facts.js';

/** The table has no key, so a second effect of a delivery would be counted. */
export const EFFECTS_TABLE = 'create table effects (process_number integer, delivery_id text, attempt integer)';

export const WANTED_IN_CLUSTER: Wanted = {
  ...WANTED,
  exact: (type) => type === 'run.started' || type === 'run.failed' || type === 'run.completed',
};

/**
 * A handler that commits its effect and its success in one transaction, so that each effect exists once after any
 * number of runs.
 */
@Injectable()
export class ExactHandler {
  constructor(@Inject(ProcessLedger) private readonly ledger: ProcessLedger) {}

  @OnRun('run.started', 'run.failed', 'run.completed', { id: 'exact', includeLate: true, retry })
  async exact(_event: RunEvent, { id, attempt, completeWith }: DeliveryContext): Promise<void> {
    await completeWith(async (tx) => {
      await tx.query('insert into effects values ($1, $2, $3)', [this.ledger.processNumber, id, attempt]);
      await sleep(20 + Math.random() * 100);
      if (Math.random() < 0.1) throw new Error('fails sometimes after its write');
    });
    // A kill at this point must change nothing.
    await sleep(Math.random() * 10);
  }
}
