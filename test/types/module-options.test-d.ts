import { Injectable, Module, type DynamicModule } from '@nestjs/common';
import { WebhooksModule, type WebhooksOptions, type WebhooksOptionsFactory } from 'nestjs-runhooks';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { paradime } from 'nestjs-runhooks/paradime';
import { memoryInbox } from 'nestjs-runhooks/testing';
import { expectSame } from './expect-type.js';

const sources = [
  // Environment variables may be undefined for the compiler; the startup checks them.
  dbtCloud({ name: 'dbt', secrets: [process.env['DBT_CLOUD_WEBHOOK_SECRET']] }),
  paradime({ name: 'paradime', secrets: [process.env['PARADIME_WEBHOOK_SECRET'], { utf8: 'plain' }] }),
  dbtCloud({ name: 'laptop', secrets: [process.env['A_SECRET']], enabled: Boolean(process.env['A_SECRET']) }),
];
const inbox = memoryInbox();

@Module({})
class ConfigModule {}

@Injectable()
class Config {
  readonly options: WebhooksOptions = { sources, inbox };
}

@Injectable()
class OptionsFactory implements WebhooksOptionsFactory {
  createWebhooksOptions(): WebhooksOptions {
    return { sources, inbox };
  }
}

const dynamicModule = WebhooksModule.forRoot({ sources, inbox, dispatch: 'manual', concurrency: 4, isGlobal: true });
expectSame<typeof dynamicModule, DynamicModule>();

export const accepted = [
  WebhooksModule.forRootAsync({ useFactory: () => ({ sources, inbox }) }),
  WebhooksModule.forRootAsync({ useFactory: async () => await Promise.resolve({ sources, inbox }) }),
  WebhooksModule.forRootAsync({
    imports: [ConfigModule],
    inject: [Config, { token: 'other', optional: true }],
    useFactory: (config: Config, other?: number) => ({ ...config.options, concurrency: other ?? 1 }),
    isGlobal: true,
  }),
  WebhooksModule.forRootAsync({ useClass: OptionsFactory }),
  WebhooksModule.forRootAsync({ imports: [ConfigModule], useExisting: OptionsFactory }),
];

export const rejected = [
  // @ts-expect-error -- no options at all
  WebhooksModule.forRoot(),
  // @ts-expect-error -- no sources
  WebhooksModule.forRoot({ inbox }),
  // @ts-expect-error -- no inbox
  WebhooksModule.forRoot({ sources }),
  // @ts-expect-error -- a list of sources
  WebhooksModule.forRoot({ sources: sources[0], inbox }),
  // @ts-expect-error -- misspelled: 'dispatch'
  WebhooksModule.forRoot({ sources, inbox, dispatcher: 'manual' }),
  // @ts-expect-error -- 'auto' or 'manual'
  WebhooksModule.forRoot({ sources, inbox, dispatch: 'never' }),
  // @ts-expect-error -- a path is not an inbox
  WebhooksModule.forRoot({ sources, inbox: 'runhooks.db' }),
  // @ts-expect-error -- no secrets
  WebhooksModule.forRoot({ sources: [dbtCloud({ name: 'dbt' })], inbox }),
  // @ts-expect-error -- a list of secrets
  WebhooksModule.forRoot({ sources: [dbtCloud({ name: 'dbt', secrets: process.env['SECRET'] })], inbox }),
  // @ts-expect-error -- sources have names
  WebhooksModule.forRoot({ sources: [paradime({ secrets: ['whsec_x'] })], inbox }),

  // @ts-expect-error -- no way to create the options
  WebhooksModule.forRootAsync({}),
  // @ts-expect-error -- no way to create the options
  WebhooksModule.forRootAsync({ imports: [ConfigModule] }),
  // @ts-expect-error -- no inbox
  WebhooksModule.forRootAsync({ useFactory: () => ({ sources }) }),
  // @ts-expect-error -- a path is not an inbox
  WebhooksModule.forRootAsync({ useFactory: async () => await Promise.resolve({ sources, inbox: 'runhooks.db' }) }),
  // @ts-expect-error -- does not create options
  WebhooksModule.forRootAsync({ useClass: Config }),
  // @ts-expect-error -- does not create options
  WebhooksModule.forRootAsync({ useExisting: ConfigModule }),
  // @ts-expect-error -- misspelled: 'useFactory'
  WebhooksModule.forRootAsync({ factory: () => ({ sources, inbox }) }),
];
