import { text } from 'node:stream/consumers';
import { ConsoleLogger, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { StoreFactory } from 'nestjs-runhooks/core';

/**
 * Runs an app as a host would write it, in a process that the test kills. It begins when the parent asks for it,
 * reports its progress on stdout, and logs to stderr.
 */
export async function serve(name: string, appOf: () => DynamicModule): Promise<void> {
  await text(process.stdin);
  const app = await NestFactory.create<NestFastifyApplication>(appOf(), new FastifyAdapter(), {
    logger: new StderrLogger({ prefix: name, colors: false, logLevels: ['warn', 'error', 'fatal'] }),
  });
  app.enableShutdownHooks(['SIGTERM'], { useProcessExit: true });
  await app.listen(0, '127.0.0.1');
  report(`ready ${new URL(await app.getUrl()).port}`);
}

/** A logger that leaves stdout to the messages for the parent. */
class StderrLogger extends ConsoleLogger {
  protected override printMessages(
    messages: unknown[],
    context?: string,
    logLevel?: Parameters<ConsoleLogger['printMessages']>[2],
  ): void {
    super.printMessages(messages, context, logLevel, 'stderr');
  }
}

/** Returns the same inbox, which reports to the parent when its file is opened and its schema is created or checked. */
export function reportingOpen(inbox: StoreFactory): StoreFactory {
  return {
    createStore(logger) {
      const store = inbox.createStore(logger);
      const open = store.open.bind(store);
      store.open = () => {
        report('opening');
        return open();
      };
      return store;
    },
  };
}

function report(line: string): void {
  process.stdout.write(`${line}\n`);
}
