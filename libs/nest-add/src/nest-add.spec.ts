import { describe, expect, it } from '@jest/globals';
import { format } from 'prettier';
import { nestAdd } from './index.js';
import type { Tree } from './schematic.js';

const PACKAGE = (packages: readonly string[], more: object = {}) =>
  JSON.stringify({ devDependencies: Object.fromEntries(packages.map((name) => [name, '*'])), ...more });

const JEST = ['@nestjs/testing', '@nestjs/platform-express', 'jest', '@types/jest'];

/** As `nest new` writes it, with or without `.js` at the end of relative imports. */
const nestNew = (end: '' | '.js', manifest = PACKAGE(JEST)): Record<string, string> => ({
  'package.json': manifest,
  'src/main.ts': `import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module${end}';

async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  await app.listen(process.env.PORT ?? 3000);
}
void bootstrap();
`,
  'src/app.module.ts': `import { Module } from '@nestjs/common';
import { AppController } from './app.controller${end}';

@Module({
  imports: [],
  controllers: [AppController],
})
export class AppModule {}
`,
});

/** The files that the schematic leaves, and the lines it prints. */
function add(before: Record<string, string | Uint8Array>, flags: Parameters<typeof nestAdd>[0] = {}) {
  const files = new Map(Object.entries(before).map(([path, content]) => [path, Buffer.from(content)]));
  const tree: Tree = {
    exists: (path) => files.has(path),
    read: (path) => files.get(path) ?? null,
    create: (path, content) => {
      if (files.has(path)) throw new Error(`${path} exists`);
      files.set(path, Buffer.from(content));
    },
    overwrite: (path, content) => {
      if (!files.has(path)) throw new Error(`${path} is missing`);
      files.set(path, Buffer.from(content));
    },
  };
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  nestAdd(flags)(tree, { logger: { info: log, warn: log } });
  return {
    files: Object.fromEntries([...files].map(([path, content]) => [path, content.toString()])),
    printed: lines.join('\n'),
  };
}

describe('nest add', () => {
  it('writes a module, a handler and its test, and imports the module', () => {
    const before = nestNew('');
    const { files } = add(before);
    expect(Object.keys(files).filter((path) => !(path in before))).toEqual([
      'src/webhooks/webhooks.module.ts',
      'src/webhooks/on-call.ts',
      'src/webhooks/on-call.spec.ts',
      '.env.example',
      '.gitignore',
    ]);
    expect(files['src/app.module.ts']).toBe(`import { Module } from '@nestjs/common';
import { AppController } from './app.controller';
import { AppWebhooksModule } from './webhooks/webhooks.module';

@Module({
  imports: [AppWebhooksModule],
  controllers: [AppController],
})
export class AppModule {}
`);
  });

  it.each([{}, { inbox: 'postgres', provider: 'paradime' }])('changes nothing in a second run with %j', (flags) => {
    const { files } = add({ ...nestNew('.js'), '.dockerignore': 'dist' }, flags);
    expect(add(files, flags).files).toEqual(files);
  });

  it('keeps what was changed since an earlier run, and imports the module again', () => {
    const { 'src/webhooks/on-call.spec.ts': spec, ...first } = add(nestNew('')).files;
    const edited = { ...first, 'src/webhooks/on-call.ts': '// mine', '.env.example': '' };
    const { files, printed } = add(edited, { provider: 'paradime' });
    expect(spec).toBeDefined();
    expect(files).toEqual(edited);
    expect(printed).toBe('src/webhooks/webhooks.module.ts exists and is kept, with its handlers');
    expect(add({ ...edited, ...nestNew('') }).files).toEqual(edited);
  });

  it.each(
    ['dbt-cloud', 'paradime', 'dbt-cloud,paradime'].flatMap((provider) =>
      ['sqlite', 'postgres'].flatMap((inbox) =>
        ['express', 'fastify'].map((platform) => ({ provider, inbox, platform })),
      ),
    ),
  )("writes files in Prettier's layout for %j", async ({ platform, ...flags }) => {
    const { files } = add(
      nestNew('.js', PACKAGE(['@nestjs/testing', `@nestjs/platform-${platform}`, 'vitest'])),
      flags,
    );
    const generated = Object.entries(files).filter(([path]) => path.startsWith('src/webhooks/'));
    expect(generated).toHaveLength(3);
    for (const [, text] of generated) {
      expect(text).toBe(await format(text, { parser: 'typescript', singleQuote: true, trailingComma: 'all' }));
    }
  });

  it.each([
    ['globals of Jest', JEST, {}, undefined],
    ['@jest/globals', ['@nestjs/testing', 'jest', '@jest/globals'], {}, '@jest/globals'],
    ['Vitest', ['@nestjs/testing', 'vitest'], {}, 'vitest'],
    ['the one of two runners that the test script names', [...JEST, 'vitest'], { test: 'vitest run' }, 'vitest'],
  ])('writes a test for %s', (_, packages, scripts, expected) => {
    const spec = add(nestNew('', PACKAGE(packages, { scripts }))).files['src/webhooks/on-call.spec.ts'];
    expect(/^import \{ afterEach.* from '(.*)';$/m.exec(spec ?? '')?.[1]).toBe(expected);
  });

  it('writes no test without a known test runner, and prints why', () => {
    const { files, printed } = add(nestNew('', PACKAGE(['@nestjs/testing', 'mocha'])));
    expect(Object.keys(files)).not.toContain('src/webhooks/on-call.spec.ts');
    expect(printed).toContain('No test was written');
  });

  it.each([
    ['.js', nestNew('.js'), './on-call.js'],
    ['no end', nestNew('', PACKAGE(JEST, { type: 'module' })), './on-call'],
    [
      '.js in an ESM app without relative imports',
      { 'package.json': PACKAGE(JEST, { type: 'module' }), 'src/app.module.ts': 'import {} from "x"' },
      './on-call.js',
    ],
  ])('ends relative imports as the app does: %s', (_, before, expected) => {
    expect(add(before).files['src/webhooks/webhooks.module.ts']).toContain(`from '${expected}';`);
  });

  it('finds the root module that main.ts starts, under another name and in another folder', () => {
    const { files } = add(
      {
        'package.json': PACKAGE(JEST),
        'apps/api/src/main.ts': `import { ApiModule as Root } from "./api/api.module";
          // NestFactory.create(OtherModule)
          const app = NestFactory.create<NestExpressApplication>(Root, { bufferLogs: true });`,
        'apps/api/src/api/api.module.ts':
          'import { Module } from "@nestjs/common"\n\n@Module({})\nexport class ApiModule {}\n',
      },
      { sourceRoot: './apps/api/src/' },
    );
    expect(files['apps/api/src/api/api.module.ts']).toBe(
      'import { Module } from "@nestjs/common"\nimport { AppWebhooksModule } from "../webhooks/webhooks.module"\n\n' +
        '@Module({ imports: [AppWebhooksModule] })\nexport class ApiModule {}\n',
    );
  });

  it.each([
    ['no root module', {}, /root module was not found/],
    [
      'two modules in main.ts and no app.module.ts',
      { 'src/main.ts': 'NestFactory.create(A); NestFactory.create(B);' },
      /not found/,
    ],
    [
      'a variable',
      { 'src/app.module.ts': "import 'x';\n@Module(options)\nexport class AppModule {}" },
      /not an object literal/,
    ],
    ['a file that is not UTF-8', { 'src/app.module.ts': Buffer.from([0x2f, 0x2f, 0xff]) }, /not UTF-8/],
  ])('writes what it can and prints the lines to paste for %s', (_, before, problem) => {
    const app = { 'package.json': PACKAGE(JEST), ...before };
    const { files, printed } = add(app);
    expect(files).toMatchObject(Object.fromEntries(Object.entries(app).map(([path, text]) => [path, text.toString()])));
    expect(Object.keys(files)).toContain('src/webhooks/webhooks.module.ts');
    expect(printed).toMatch(problem);
    expect(printed).toContain("import { AppWebhooksModule } from './webhooks/webhooks.module';");
    expect(printed).toContain('imports: [AppWebhooksModule],');
  });

  it('adds names of variables and patterns that are missing, in the line breaks of the file', () => {
    const { files } = add(
      {
        ...nestNew(''),
        '.env.example': 'PORT=3000\r\n# DBT_CLOUD_WEBHOOK_SECRET=x',
        '.gitignore': 'node_modules\n/runhooks.db*\n',
        '.dockerignore': '',
      },
      { provider: 'paradime, dbt-cloud' },
    );
    expect(files).toMatchObject({
      '.env.example': 'PORT=3000\r\n# DBT_CLOUD_WEBHOOK_SECRET=x\r\nPARADIME_WEBHOOK_SECRET=\r\n',
      '.gitignore': 'node_modules\n/runhooks.db*\n',
      '.dockerignore': 'runhooks.db*\n',
    });
  });

  it('names the Postgres URL and ignores no file for a Postgres inbox', () => {
    const { files, printed } = add(nestNew(''), { inbox: 'postgres' });
    expect(files['.env.example']).toBe('DBT_CLOUD_WEBHOOK_SECRET=\nDATABASE_URL=\n');
    expect(Object.keys(files)).not.toContain('.gitignore');
    expect(printed).toMatch(/^Install: npm install pg/m);
  });

  it("prints the app's own command for packages that are missing", () => {
    const { printed } = add({ ...nestNew(''), 'yarn.lock': '' }, { inbox: 'postgres' });
    expect(printed).toMatch(/^Install: yarn add class-validator class-transformer pg/m);
  });

  it.each([
    [{ provider: 'dbt' }, '--provider: expected dbt-cloud or paradime, got "dbt"'],
    [{ provider: '' }, '--provider: expected dbt-cloud or paradime, got ""'],
    [{ inbox: 'mysql' }, '--inbox: expected sqlite or postgres, got "mysql"'],
  ])('refuses %j', (flags, message) => {
    expect(() => add(nestNew(''), flags)).toThrow(message);
  });

  it.each([
    ['a JavaScript app', { 'package.json': '{}', 'src/main.js': '' }, 'src: expected a TypeScript app, found main.js'],
    ['a folder without package.json', {}, 'package.json: expected a file in this folder, found none'],
    [
      'an app that has another webhooks module',
      { ...nestNew(''), 'src/webhooks/webhooks.module.ts': 'export class WebhooksModule {}' },
      'src/webhooks/webhooks.module.ts: expected no file of this name',
    ],
    [
      'an app that has another handler of this name',
      { ...nestNew(''), 'src/webhooks/on-call.ts': 'export class OnCall {}' },
      'src/webhooks/on-call.ts: expected no file of this name',
    ],
  ])('refuses %s', (_, before, message) => {
    expect(() => add(before as Record<string, string>)).toThrow(message);
  });
});
