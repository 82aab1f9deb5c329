import type { INestApplicationContext } from '@nestjs/common';
import { Webhooks } from 'nestjs-runhooks';

/**
 * Resolves when everything that is due now was read and run, and what followed from it. Works with `dispatch: 'auto'`
 * and `'manual'`. What is to be tried again later is not waited for: move the clock, then wait again.
 */
export async function waitUntilIdle(app: INestApplicationContext): Promise<void> {
  await app.get(Webhooks, { strict: false }).runUntilIdle();
}
