import type { HostApp } from './host-app.js';
import type { InboxKind, NestAddOptions, Provider } from './options.js';

export const MODULE_CLASS = 'AppWebhooksModule';

export const DEFAULT_INBOX_FILE = 'runhooks.db';

/** Facts about each provider that the generated files need. */
const SOURCES: Readonly<Record<Provider, Source>> = {
  'dbt-cloud': {
    factory: 'dbtCloud',
    name: 'dbt',
    secret: 'DBT_CLOUD_WEBHOOK_SECRET',
    builder: 'dbtCloudWebhook',
    title: 'dbt Cloud',
  },
  paradime: {
    factory: 'paradime',
    name: 'paradime',
    secret: 'PARADIME_WEBHOOK_SECRET',
    builder: 'paradimeWebhook',
    title: 'Paradime',
  },
};

interface Source {
  readonly factory: 'dbtCloud' | 'paradime';
  readonly name: string;
  readonly secret: string;
  readonly builder: string;
  readonly title: string;
}

/** Returns the environment variables that the generated module reads, besides `NODE_ENV`. */
export function variablesOf({ providers, inbox }: Pick<NestAddOptions, 'providers' | 'inbox'>): string[] {
  return [...providers.map((provider) => SOURCES[provider].secret), ...(inbox === 'postgres' ? ['DATABASE_URL'] : [])];
}

/** Returns commands that send a sample webhook to the app, each with the environment variable of its secret. */
export function sendsOf({ providers }: Pick<NestAddOptions, 'providers'>) {
  return providers.map((provider) => {
    const { name, secret } = SOURCES[provider];
    const flags = `${provider === 'dbt-cloud' ? '' : `--provider ${provider} `}--event failed`;
    return { secret, command: `npx nestjs-runhooks send http://localhost:3000/webhooks/${name} ${flags}` };
  });
}

const INBOX_FACTORY: Readonly<Record<InboxKind, string>> = { sqlite: 'sqliteInbox', postgres: 'postgresInbox' };

/** Returns the options of the inbox, on separate lines if they are long. */
function inboxOptions(inbox: InboxKind, name: string | undefined): string {
  if (inbox === 'sqlite' && name === undefined) return `{ path: '${DEFAULT_INBOX_FILE}' }`;
  if (name === undefined) return '{ connectionString: DATABASE_URL }';
  const lines = inbox === 'sqlite' ? [`path: '${name}'`] : ['connectionString: DATABASE_URL', `schema: '${name}'`];
  return `{\n${lines.map((line) => `            ${line},\n`).join('')}          }`;
}

/** Returns the module's text. `inboxName` is the file or schema of a project's inbox, by default the default name. */
export function moduleText(options: NestAddOptions, { importEnd }: HostApp, inboxName: string | undefined): string {
  const sources = options.providers.map((provider) => ({ provider, ...SOURCES[provider] }));
  const inbox = INBOX_FACTORY[options.inbox];
  return `import { Module } from '@nestjs/common';
import { WebhooksModule } from 'nestjs-runhooks';
${sources.map(({ factory, provider }) => `import { ${factory} } from 'nestjs-runhooks/${provider}';`).join('\n')}
import { ${inbox} } from 'nestjs-runhooks/${options.inbox}';
import { OnCall } from './on-call${importEnd}';

@Module({
  imports: [
    WebhooksModule.forRootAsync({
      useFactory: () => {
${[...variablesOf(options), 'NODE_ENV'].map((name) => `        const { ${name} } = process.env;`).join('\n')}
        // In production a missing secret prevents startup. Elsewhere the source
        // is left out, with a warning.
        const production = NODE_ENV === 'production';
        return {
          sources: [
${sources
  .map(
    ({ factory, name, secret }) => `            ${factory}({
              name: '${name}',
              secrets: [${secret}],
              enabled: production || Boolean(${secret}),
            }),`,
  )
  .join('\n')}
          ],
          inbox: ${inbox}(${inboxOptions(options.inbox, inboxName)}),
        };
      },
    }),
  ],
  providers: [OnCall],
})
export class ${MODULE_CLASS} {}
`;
}

export const HANDLER_TEXT = `import { Injectable, Logger } from '@nestjs/common';
import {
  OnRunFailed,
  type DeliveryContext,
  type RunFailed,
} from 'nestjs-runhooks';

@Injectable()
export class OnCall {
  private readonly logger = new Logger(OnCall.name);

  // Stored work refers to this id. Keep it if you rename the method.
  @OnRunFailed({ id: 'on-call.page' })
  page(event: RunFailed, delivery: DeliveryContext): void {
    const { job } = event.run;
    // Replace this line by your own code. If it throws, it is retried with the
    // same delivery.id.
    this.logger.warn(\`\${job.name ?? job.key} failed (\${delivery.id})\`);
  }
}
`;

const TEST_SECRET: Readonly<Record<Provider, string>> = {
  'dbt-cloud': 'TEST_SECRETS.dbtCloud',
  paradime: 'TEST_SECRETS.paradime',
};

export function specText(options: NestAddOptions, { importEnd, testImport, fastifyOnly }: HostApp): string {
  const { providers, inbox } = options;
  const kit = [
    ...providers.map((provider) => SOURCES[provider].builder),
    'memoryInbox',
    'sendWebhook',
    'TEST_SECRETS',
    'waitUntilIdle',
  ];
  const variables = [
    ...providers.map((provider) => `${SOURCES[provider].secret}: ${TEST_SECRET[provider]}`),
    ...(inbox === 'postgres' ? ["DATABASE_URL: 'postgres://localhost/unused'"] : []),
  ];
  const functions = "import { afterEach, beforeEach, describe, expect, it } from '";
  return `import type { INestApplication } from '@nestjs/common';
${fastifyOnly ? "import { FastifyAdapter } from '@nestjs/platform-fastify';\n" : ''}import { Test } from '@nestjs/testing';
import { Inbox, WEBHOOKS_STORE } from 'nestjs-runhooks';
import {
${kit.map((name) => `  ${name},\n`).join('')}} from 'nestjs-runhooks/testing';
${testImport === 'globals' ? '' : `${functions}${testImport}';\n`}import { ${MODULE_CLASS} } from './webhooks.module${importEnd}';

describe('OnCall', () => {
  let app: INestApplication;

  beforeEach(async () => {
    Object.assign(process.env, {
${variables.map((line) => `      ${line},`).join('\n')}
    });
    const module = await Test.createTestingModule({
      imports: [${MODULE_CLASS}],
    })
      .overrideProvider(WEBHOOKS_STORE)
      .useValue(memoryInbox())
      .compile();
    app = module.createNestApplication(${fastifyOnly ? 'new FastifyAdapter()' : ''});
  });

  afterEach(() => app.close());
${providers.map((provider) => testText(SOURCES[provider])).join('')}});
`;
}

function testText({ name, builder, title }: Source): string {
  return `
  it('handles a failed run of ${title}', async () => {
    const webhook = ${builder}({ event: 'failed' });
    await sendWebhook(app, '/webhooks/${name}', webhook);
    await waitUntilIdle(app);

    const { items } = await app.get(Inbox).deliveries();
    expect(items).toMatchObject([
      { handlerId: 'on-call.page', state: 'succeeded' },
    ]);
  });
`;
}
