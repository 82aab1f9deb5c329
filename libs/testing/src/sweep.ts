import type { INestApplicationContext } from '@nestjs/common';
import { Webhooks } from 'nestjs-runhooks';

/**
 * Asks the APIs of the providers for runs that no webhook has reported, then parses and runs everything that is due. Resolves
 * when nothing is due. Works with `dispatch: 'auto'` and `'manual'`.
 *
 * ```ts
 * await run.cancel(); // dbt Cloud sends no webhook
 * await sweep(app);
 * expect(pager.calls).toHaveLength(1);
 * ```
 *
 * @param source name of the only source to sweep. @default all sources with an `api` option
 */
export async function sweep(app: INestApplicationContext, source?: string): Promise<void> {
  const webhooks = app.get(Webhooks, { strict: false });
  await webhooks.sweep(source);
  await webhooks.runUntilIdle();
}
