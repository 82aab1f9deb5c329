// Events say how they came: as a webhook, or from the provider's API.
import type { RunEvent, RunFailed } from 'nestjs-runhooks';
import { InjectProviderApi } from 'nestjs-runhooks';
import { expectSame } from './expect-type.js';

export function origins(event: RunEvent, failed: RunFailed<'dbt-cloud'>): void {
  expectSame<typeof event.origin, 'webhook' | 'api'>();
  expectSame<typeof failed.apiRun, Readonly<Record<string, unknown>> | undefined>();
}

export class Desk {
  constructor(@InjectProviderApi('dbt') readonly dbt: object) {}
}

// @ts-expect-error The name of the source is required.
InjectProviderApi();
