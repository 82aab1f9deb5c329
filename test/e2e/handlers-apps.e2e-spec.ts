import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Module, Scope } from '@nestjs/common';
import { LazyModuleLoader, NestFactory, REQUEST } from '@nestjs/core';
import { OnRunFailed, Webhooks, WebhooksModule, type RunFailed, type WebhookRequest } from 'nestjs-runhooks';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import { dbtCloudWebhook, waitUntilIdle } from 'nestjs-runhooks/testing';
import { closeApps, startHandlers, webhooksOptions } from './handlers-app.js';

afterEach(closeApps);

const failed = (runId: string) => ({ event: 'failed', payload: { data: { runId } } }) as const;

describe('handlers of a lazily loaded module', () => {
  it('run for messages parsed after discover() was called', async () => {
    const seen: string[] = [];
    @Injectable()
    class Early {
      @OnRunFailed()
      page(event: RunFailed): void {
        seen.push(`early ${event.run.id}`);
      }
    }
    @Injectable()
    class Late {
      @OnRunFailed()
      page(event: RunFailed): void {
        seen.push(`late ${event.run.id}`);
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class LateScoped {
      constructor(@Inject(REQUEST) private readonly request: WebhookRequest) {}

      @OnRunFailed()
      page(event: RunFailed): void {
        seen.push(`scoped ${event.run.id} ${this.request.event === event}`);
      }
    }
    @Module({ providers: [Late, LateScoped] })
    class LateModule {}
    const host = await startHandlers({ providers: [Early] });
    await host.dbt(failed('7'));
    await host.app.get(LazyModuleLoader).load(() => LateModule);
    await host.dbt(failed('8'));
    expect(host.app.get(Webhooks).discover()).toEqual(['Late.page', 'LateScoped.page']);
    expect(host.app.get(Webhooks).discover()).toEqual([]);
    await host.dbt(failed('9'));
    expect(seen.sort()).toEqual(['early 7', 'early 8', 'early 9', 'late 9', 'scoped 9 true']);
  });

  it('are all rejected when one of them is invalid', async () => {
    @Injectable()
    class Early {
      @OnRunFailed({ id: 'page' })
      page(): void {}
    }
    @Injectable()
    class Late {
      @OnRunFailed()
      first(): void {}

      @OnRunFailed({ id: 'page' })
      second(): void {}
    }
    @Module({ providers: [Late] })
    class LateModule {}
    const host = await startHandlers({ providers: [Early] });
    await host.app.get(LazyModuleLoader).load(() => LateModule);
    const conflict =
      'handler id "page": expected a unique id, got one of both Early.page in AppModule and Late.second in LateModule';
    expect(() => host.app.get(Webhooks).discover()).toThrow(conflict);
    expect(() => host.app.get(Webhooks).discover()).toThrow(conflict);
    await host.dbt(failed('7'));
    expect(await host.outcomes()).toEqual(['page 1 succeeded']);
  });
});

it('runs handlers in an application context without HTTP for webhooks another process received', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'runhooks-'));
  const options = () => webhooksOptions({ inbox: sqliteInbox({ path: join(folder, 'runhooks.db') }) });
  const seen: string[] = [];
  @Injectable()
  class Handlers {
    @OnRunFailed()
    page(event: RunFailed): void {
      seen.push(event.run.id);
    }
  }
  @Module({ imports: [WebhooksModule.forRoot(options())], providers: [Handlers] })
  class WorkerModule {}
  const worker = await NestFactory.createApplicationContext(WorkerModule, { logger: false, abortOnError: false });
  const received = await startHandlers({ webhooks: options() });
  try {
    const { body, headers } = dbtCloudWebhook(failed('7'));
    await fetch(`${await listen(received)}/webhooks/dbt`, { method: 'POST', body: new Uint8Array(body), headers });
    await waitUntilIdle(worker);
    expect(seen).toEqual(['7']);
  } finally {
    await worker.close();
    await closeApps();
    rmSync(folder, { recursive: true });
  }
});

async function listen({ app }: Awaited<ReturnType<typeof startHandlers>>): Promise<string> {
  await app.listen(0, '127.0.0.1');
  return await app.getUrl();
}

it('runs the handlers of one class separately in each of two apps in one process', async () => {
  const seen: string[] = [];
  @Injectable()
  class Handlers {
    constructor(@Inject('app') private readonly name: string) {}

    @OnRunFailed()
    page(event: RunFailed): void {
      seen.push(`${this.name} ${event.run.id}`);
    }
  }
  const [a, b] = await Promise.all(
    ['a', 'b'].map((name) => startHandlers({ providers: [Handlers, { provide: 'app', useValue: name }] })),
  );
  await a?.dbt(failed('7'));
  await b?.dbt(failed('8'));
  expect(seen).toEqual(['a 7', 'b 8']);
});
