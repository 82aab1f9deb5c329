import { Controller, Get, Injectable, Module, type ModuleMetadata } from '@nestjs/common';
import { OnRunSucceeded, WebhooksModule, type RunSucceeded } from 'nestjs-runhooks';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { paradime } from 'nestjs-runhooks/paradime';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import { SECRETS } from '../secrets.js';
import { listen, nestApp, type AdapterName } from './nest-app.js';
import type { Running } from './running.js';

@Controller()
class HealthController {
  @Get('health')
  health(): object {
    return { status: 'ok' };
  }
}

@Injectable()
class OneHandler {
  @OnRunSucceeded({ id: 'bench.one' })
  one(_event: RunSucceeded): void {}
}

/** Starts an app with its own route, with Runhooks at `path` or without it. */
export async function host(adapter: AdapterName, path?: string): Promise<Running> {
  const ours = path === undefined ? {} : { imports: webhooksAt(path), providers: [OneHandler] };
  @Module({ ...ours, controllers: [HealthController] })
  class HostModule {}
  const app = await nestApp(HostModule, adapter);
  return { port: await listen(app), handled: () => 0, close: () => app.close() };
}

function webhooksAt(path: string): NonNullable<ModuleMetadata['imports']> {
  return [
    WebhooksModule.forRoot({
      sources: [
        dbtCloud({ name: 'dbt', secrets: [SECRETS.dbt] }),
        paradime({ name: 'paradime', secrets: [SECRETS.paradime] }),
      ],
      inbox: sqliteInbox({ path }),
    }),
  ];
}
