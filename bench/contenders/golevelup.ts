import { Injectable, Module } from '@nestjs/common';
import { StripeModule, StripeWebhookHandler } from '@golevelup/nestjs-stripe';
import { SECRETS } from '../secrets.js';
import { listen, nestApp, type AdapterName } from './nest-app.js';
import type { Running } from './running.js';

let handled = 0;

@Injectable()
class Payments {
  @StripeWebhookHandler('charge.succeeded')
  onCharge(_event: unknown): void {
    handled += 1;
  }
}

@Module({
  imports: [
    StripeModule.forRoot({
      apiKey: 'sk_test_bench',
      webhookConfig: {
        stripeSecrets: { account: SECRETS.stripe, accountTest: SECRETS.stripe },
        requestBodyProperty: 'rawBody',
      },
    }),
  ],
  providers: [Payments],
})
class GolevelupModule {}

/** Starts (e), \@golevelup/nestjs-stripe as in its README, with one handler that does nothing. It stores nothing. */
export async function golevelup(adapter: AdapterName): Promise<Running> {
  const app = await nestApp(GolevelupModule, adapter, { rawBody: true });
  const port = await listen(app);
  return { port, handled: () => handled, close: () => app.close() };
}
