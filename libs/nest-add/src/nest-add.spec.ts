import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { format } from 'prettier';
import { nestAdd } from './index.js';
import type { Folder, Tree } from './schematic.js';

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

/** Two apps, as `nest generate app` leaves them. */
const monorepo = (): Record<string, string> => ({
  'package.json': PACKAGE(JEST),
  'nest-cli.json': JSON.stringify({
    sourceRoot: 'apps/orders/src',
    monorepo: true,
    projects: {
      orders: { type: 'application', sourceRoot: 'apps/orders/src' },
      'Stock-api': { type: 'application', sourceRoot: 'apps/stock-api/src' },
    },
  }),
  ...Object.fromEntries(
    ['orders', 'stock-api'].flatMap((name) =>
      ['main.ts', 'app.module.ts'].map((file) => [`apps/${name}/src/${file}`, nestNew('')[`src/${file}`] ?? '']),
    ),
  ),
});

const folderIn = (paths: readonly string[], path: string): Folder => {
  const below = paths.filter((file) => file.startsWith(`${path}/`)).map((file) => file.slice(path.length + 1));
  return {
    subfiles: below.filter((file) => !file.includes('/')),
    subdirs: [...new Set(below.filter((file) => file.includes('/')).map((file) => file.replace(/\/.*/, '')))],
    dir: (name) => folderIn(paths, `${path}/${name}`),
  };
};

const folder = mkdtempSync(join(tmpdir(), 'nest-add-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The files that the schematic leaves, and the lines it prints. */
function add(before: Record<string, string | Uint8Array>, flags: Parameters<typeof nestAdd>[0] = {}, cwd = folder) {
  const files = new Map(Object.entries(before).map(([path, content]) => [path, Buffer.from(content)]));
  const tree: Tree = {
    getDir: (path) => folderIn([...files.keys()], path),
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
  nestAdd(flags, cwd)(tree, { logger: { info: log, warn: log } });
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
    expect(printed).toBe(
      'src/webhooks/webhooks.module.ts exists and is kept, with its handlers. ' +
        'The options --provider and --inbox were ignored',
    );
    expect(add({ ...edited, ...nestNew('') }).files).toEqual(edited);
  });

  it.each(
    ['dbt-cloud', 'paradime', 'dbt-cloud,paradime'].flatMap((provider) =>
      ['sqlite', 'postgres'].flatMap((inbox) =>
        ['express', 'fastify'].flatMap((platform) =>
          [undefined, 'orders'].map((project) => ({ provider, inbox, platform, project })),
        ),
      ),
    ),
  )("writes files in Prettier's layout for %j", async ({ platform, ...flags }) => {
    const manifest = PACKAGE(['@nestjs/testing', `@nestjs/platform-${platform}`, 'vitest']);
    const { files } = flags.project
      ? add({ ...monorepo(), 'package.json': manifest }, { ...flags, sourceRoot: 'apps/orders/src' })
      : add(nestNew('.js', manifest), flags);
    const generated = Object.entries(files).filter(([path]) => path.includes('src/webhooks/'));
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
    expect(printed).toContain('add AppWebhooksModule to the imports of the root module');
  });

  it.each([
    ['a shorthand property', '@Module({ imports })'],
    ['a variable', '@Module({ imports: shared })'],
    ['a quoted key', "@Module({ 'imports': [] })"],
    ['a decorator under another name', '@NestModule({ imports: [] })'],
    ['a spread object', '@Module({ ...base })'],
  ])('prints no second list of imports for %s', (_, decorator) => {
    const text = `import { Module, Module as NestModule } from '@nestjs/common';\n${decorator}\nexport class AppModule {}\n`;
    const { files, printed } = add({ ...nestNew(''), 'src/app.module.ts': text });
    expect(files['src/app.module.ts']).toBe(text);
    expect(printed).toContain('add AppWebhooksModule to the imports of AppModule');
    expect(printed).not.toContain('imports:');
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
    expect(files['src/webhooks/webhooks.module.ts']).toContain(
      'inbox: postgresInbox({ connectionString: DATABASE_URL }),',
    );
    expect(printed).toMatch(/^Install: npm install class-validator class-transformer pg/m);
  });

  it('gives each app of a monorepo an inbox file of its own', () => {
    const first = add(monorepo(), { sourceRoot: 'apps/orders/src' }).files;
    const { files } = add(first, { sourceRoot: 'apps/stock-api/src', project: 'Stock-api' });
    expect(files['apps/orders/src/webhooks/webhooks.module.ts']).toContain("path: 'runhooks-orders.db',");
    expect(files['apps/stock-api/src/webhooks/webhooks.module.ts']).toContain("path: 'runhooks-Stock-api.db',");
    expect(files['.gitignore']).toBe('runhooks-orders.db*\nrunhooks-Stock-api.db*\n');
  });

  it('gives each app of a monorepo a Postgres schema of its own', () => {
    const first = add(monorepo(), { sourceRoot: 'apps/orders/src', inbox: 'postgres' }).files;
    const { files } = add(first, { sourceRoot: './apps/stock-api/src/', inbox: 'postgres' });
    expect(files['apps/orders/src/webhooks/webhooks.module.ts']).toContain("schema: 'runhooks_orders',");
    expect(files['apps/stock-api/src/webhooks/webhooks.module.ts']).toContain("schema: 'runhooks_stock_api',");
  });

  it('keeps the default names in an app with a library', () => {
    const cli = { sourceRoot: 'src', projects: { shared: { type: 'library', sourceRoot: 'libs/shared/src' } } };
    const { files } = add({ ...nestNew(''), 'nest-cli.json': JSON.stringify(cli) });
    expect(files['src/webhooks/webhooks.module.ts']).toContain("inbox: sqliteInbox({ path: 'runhooks.db' }),");
    expect(files['.gitignore']).toBe('runhooks.db*\n');
  });

  it('refuses projects whose Postgres schemas would have one name', () => {
    const cli = { projects: { 'a-b': { sourceRoot: 'src' }, a_b: { sourceRoot: 'apps/a_b/src' } } };
    const app = { ...nestNew(''), 'nest-cli.json': JSON.stringify(cli) };
    expect(() => add(app, { inbox: 'postgres' })).toThrow('found runhooks_a_b for a-b and a_b');
    expect(add(app).files['.gitignore']).toBe('runhooks-a-b.db*\n');
  });

  it("prints the app's own command for packages that are missing", () => {
    const { printed } = add({ ...nestNew(''), 'yarn.lock': '' }, { inbox: 'postgres' });
    expect(printed).toMatch(/^Install: yarn add class-validator class-transformer pg/m);
  });

  it('prints no install for peers that are in package.json, or in node_modules around the app', () => {
    const app = join(folder, 'workspace/app');
    mkdirSync(join(folder, 'workspace/node_modules/class-validator'), { recursive: true });
    writeFileSync(join(folder, 'workspace/node_modules/class-validator/package.json'), '{}');
    const sqlite = ['class-transformer', 'better-sqlite3'];
    expect(add(nestNew('', PACKAGE([...JEST, 'better-sqlite3'])), {}, app).printed).toMatch(
      /^Install: npm install class-transformer$/m,
    );
    expect(add(nestNew('', PACKAGE([...JEST, ...sqlite])), {}, app).printed).not.toContain('Install');
  });

  it('prints how to start the app and to send a webhook', () => {
    expect(add(nestNew('')).printed).toMatch(/^Copy \.env\.example to \.env, .*: DBT_CLOUD_WEBHOOK_SECRET$/m);
    expect(add({ ...nestNew(''), '.env': '' }).printed).toMatch(/^Set in \.env: DBT_CLOUD_WEBHOOK_SECRET$/m);
    expect(add(nestNew('')).printed).toMatch(/^Start the app: nest start --env-file \.env$/m);
    expect(add(monorepo(), { sourceRoot: 'apps/orders/src' }).printed).toMatch(
      /: nest start orders --env-file \.env$/m,
    );
    const { printed } = add(nestNew(''), { provider: 'dbt-cloud,paradime' });
    expect(printed).toMatch(/: npx nestjs-runhooks send http:\/\/localhost:3000\/webhooks\/dbt --event failed$/m);
    expect(printed).toMatch(/: npx .*\/webhooks\/paradime --provider paradime --event failed$/m);
  });

  it.each([
    [{ provider: 'dbt' }, '--provider: expected dbt-cloud or paradime, got "dbt"'],
    [{ provider: '' }, '--provider: expected dbt-cloud or paradime, got ""'],
    [{ inbox: 'mysql' }, '--inbox: expected sqlite or postgres, got "mysql"'],
    [{ project: 'ordres' }, '--project: expected none, because nest-cli.json has no projects, got "ordres"'],
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

  it.each(['ordres', 'toString'])('refuses the unknown project %s of a monorepo', (project) => {
    expect(() => add(monorepo(), { sourceRoot: 'apps/orders/src', project })).toThrow(
      `--project: expected orders or Stock-api, got "${project}"`,
    );
  });

  it.each([
    [
      'forRoot in the root module',
      'src/app.module.ts',
      "import { WebhooksModule } from 'nestjs-runhooks';\nWebhooksModule.forRoot({})",
    ],
    [
      'forRootAsync in a folder, under another name',
      'src/a/b/hooks.ts',
      "import { WebhooksModule as Hooks, Inbox } from 'nestjs-runhooks';\n@Module({ imports: [Hooks\n  .forRootAsync({})] })",
    ],
    [
      'a namespace',
      'src/hooks.ts',
      "import * as runhooks from 'nestjs-runhooks';\nrunhooks.WebhooksModule.forRoot({})",
    ],
  ])('refuses an app that has the module of Runhooks: %s', (_, path, text) => {
    expect(() => add({ ...nestNew(''), [path]: text })).toThrow(
      `${path}: expected no WebhooksModule.forRoot() or forRootAsync() in the app, found one`,
    );
  });

  it.each([
    ['a comment', 'src/a.ts', "import { Inbox } from 'nestjs-runhooks';\n// WebhooksModule.forRoot({})"],
    ['a test', 'src/a.spec.ts', "import { WebhooksModule } from 'nestjs-runhooks';\nWebhooksModule.forRoot({})"],
    ['another package', 'src/a.ts', "import { WebhooksModule } from './nestjs-runhooks';\nWebhooksModule.forRoot({})"],
    ['another app', 'apps/b/a.ts', "import { WebhooksModule } from 'nestjs-runhooks';\nWebhooksModule.forRoot({})"],
  ])('accepts an app in which forRoot is called in %s', (_, path, text) => {
    expect(Object.keys(add({ ...nestNew(''), [path]: text }).files)).toContain('src/webhooks/webhooks.module.ts');
  });
});
