import type { INestApplicationContext } from '@nestjs/common';
import { Webhooks } from 'nestjs-runhooks';

/**
 * Parses and runs everything that is due, and resolves when nothing is due. It does not wait for later retries; move the
 * clock and call it again. Works with `dispatch: 'auto'` and `'manual'`.
 *
 * ```ts
 * await sendWebhook(app, '/webhooks/dbt', dbtCloudWebhook());
 * await waitUntilIdle(app);
 * expect(pager.calls).toHaveLength(1);
 * ```
 */
export async function waitUntilIdle(app: INestApplicationContext): Promise<void> {
  await app.get(Webhooks, { strict: false }).runUntilIdle();
}
