import { text } from 'node:stream/consumers';
import { ConsoleLogger, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { StoreFactory } from 'nestjs-runhooks/core';

/**
 * What a process that is killed does: an app as a host would write it, begun when the parent says so. Says on stdout how
 * far it is; logs to stderr.
 */
export async function serve(name: string, appOf: () => DynamicModule): Promise<void> {
  await text(process.stdin);
  const app = await NestFactory.create<NestFastifyApplication>(appOf(), new FastifyAdapter(), {
    logger: new StderrLogger({ prefix: name, colors: false, logLevels: ['warn', 'error', 'fatal'] }),
  });
  app.enableShutdownHooks(['SIGTERM'], { useProcessExit: true });
  await app.listen(0, '127.0.0.1');
  tell(`ready ${new URL(await app.getUrl()).port}`);
}

/** stdout is for the parent. */
class StderrLogger extends ConsoleLogger {
  protected override printMessages(
    messages: unknown[],
    context?: string,
    logLevel?: Parameters<ConsoleLogger['printMessages']>[2],
  ): void {
    super.printMessages(messages, context, logLevel, 'stderr');
  }
}

/** The same inbox; the parent learns when its file is opened, which is when its schema is made or checked. */
export function telling(inbox: StoreFactory): StoreFactory {
  return {
    createStore(logger) {
      const store = inbox.createStore(logger);
      const open = store.open.bind(store);
      store.open = () => {
        tell('opening');
        return open();
      };
      return store;
    },
  };
}

function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}
