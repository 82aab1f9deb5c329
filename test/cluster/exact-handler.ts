import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { OnRun, type DeliveryContext, type RunEvent } from 'nestjs-runhooks';
import { LifeLedger, retry, WANTED } from '../crash/crash-app.js';
import type { Wanted } from '../crash/facts.js';

/** Its table has no key: a second effect of a delivery would be there to be counted. */
export const EFFECTS_TABLE = 'create table effects (life integer, delivery_id text, attempt integer)';

export const WANTED_IN_CLUSTER: Wanted = {
  ...WANTED,
  exact: (type) => type === 'run.started' || type === 'run.failed' || type === 'run.completed',
};

/** Has its effect and its success in one transaction: however often it is run, the effect is there once. */
@Injectable()
export class ExactHandler {
  constructor(@Inject(LifeLedger) private readonly ledger: LifeLedger) {}

  @OnRun('run.started', 'run.failed', 'run.completed', { id: 'exact', includeLate: true, retry })
  async exact(_event: RunEvent, { id, attempt, completeWith }: DeliveryContext): Promise<void> {
    await completeWith(async (tx) => {
      await tx.query('insert into effects values ($1, $2, $3)', [this.ledger.life, id, attempt]);
      await sleep(20 + Math.random() * 100);
      if (Math.random() < 0.1) throw new Error('fails now and then, when it has written already');
    });
    // A kill that comes here must change nothing.
    await sleep(Math.random() * 10);
  }
}
