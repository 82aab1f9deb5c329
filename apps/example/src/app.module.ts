import { Module, type DynamicModule } from '@nestjs/common';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { WebhooksModule } from 'nestjs-runhooks';
import { bullmq } from 'nestjs-runhooks/bullmq';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { paradime } from 'nestjs-runhooks/paradime';
import { postgresInbox } from 'nestjs-runhooks/postgres';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import { BiTool } from './bi-tool.js';
import { Dashboards } from './dashboards.js';
import { DbtVersions } from './dbt-versions.js';
import { FailureFeed } from './failure-feed.js';
import { OnCall } from './on-call.js';
import { Retries } from './retries.js';
import { RunAudit } from './run-audit.js';
import { RunBoard } from './run-board.js';
import type { Settings } from './settings.js';

@Module({ providers: [OnCall, Dashboards, BiTool, RunBoard, RunAudit, DbtVersions, FailureFeed] })
export class AppModule {
  static with(settings: Settings): DynamicModule {
    const { role, dbtSecret, dbtAccessUrl: accessUrl, dbtApi: api, paradimeSecret } = settings;
    const { inboxPath, databaseUrl, redisUrl } = settings;
    return {
      module: AppModule,
      // Without the token, each of its calls would fail.
      providers: api?.actToken === undefined ? [] : [Retries],
      imports: [
        EventEmitterModule.forRoot(),
        WebhooksModule.forRoot({
          role,
          sources: [
            dbtCloud({
              name: 'dbt',
              secrets: [dbtSecret],
              ...(accessUrl !== undefined && { accessUrl }),
              ...(api !== undefined && { api }),
            }),
            paradime({ name: 'paradime', secrets: [paradimeSecret] }),
          ],
          inbox:
            databaseUrl === undefined
              ? sqliteInbox({ path: inboxPath })
              : postgresInbox({ connectionString: databaseUrl }),
          ...(redisUrl !== undefined && { dispatch: bullmq({ connection: redisUrl }) }),
        }),
      ],
    };
  }
}
