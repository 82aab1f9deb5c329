// Runs the tests shown in docs/testing.md with the packed tarball, as an app would: ts-jest, Jest with ESM, Vitest.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command, install, repo, NEST_11_OPTIONS } from './packed-app.mjs';

const { devDependencies } = JSON.parse(await readFile(join(repo, 'package.json'), 'utf8'));
const versionOf = (names) => Object.fromEntries(names.map((name) => [name, devDependencies[name]]));
const nest = (versions) => Object.fromEntries(Object.entries(versions).map(([name, v]) => [`@nestjs/${name}`, v]));

/** Returns the code of a page: its `ts` blocks by the file named in their first line, and the `js` blocks in order. */
async function codeOf(page) {
  const text = await readFile(join(repo, page), 'utf8');
  const blocks = (language) =>
    [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, code]) => code);
  return {
    files: Object.fromEntries(blocks('ts').map((code) => [/^\/\/ (\S+)/.exec(code)[1], code])),
    snippets: blocks('js'),
  };
}

/** Replaces strings that must occur in the code, so that a changed page is noticed. */
function replaced(code, ...pairs) {
  return pairs.reduce((text, [found, other]) => {
    if (!text.includes(found)) throw new Error(`expected ${JSON.stringify(found)} in\n${text}`);
    return text.replaceAll(found, other);
  }, code);
}

/** The page's snippets for supertest and undici, and its functions for fetch and inject, each as a test. */
const clientsSpec = ([supertest, undici]) => `
import type { INestApplication } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { WEBHOOKS_STORE } from 'nestjs-runhooks';
import { dbtCloudWebhook, memoryInbox, TEST_SECRETS } from 'nestjs-runhooks/testing';
import * as request from 'supertest';
import * as undici from 'undici';
import { AppModule } from './app.module';
import { byFetch, byInject } from './clients';

async function compiled() {
  process.env['DBT_CLOUD_WEBHOOK_SECRET'] = TEST_SECRETS.dbtCloud;
  return Test.createTestingModule({ imports: [AppModule] }).overrideProvider(WEBHOOKS_STORE).useValue(memoryInbox()).compile();
}

describe('on Express', () => {
  let app: INestApplication;
  let url: string;
  beforeEach(async () => {
    app = (await compiled()).createNestApplication();
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });
  afterEach(() => app.close());

  it('supertest', async () => {
${supertest}
  });
  it('undici', async () => {
    const { request } = undici;
    const webhook = dbtCloudWebhook({ event: 'failed' });
${undici}
    expect(statusCode).toBe(200);
  });
  it('fetch', async () => {
    expect(await byFetch(\`\${url}/webhooks/dbt\`, dbtCloudWebhook({ event: 'failed' }))).toBe(200);
  });
});

it('inject of Fastify', async () => {
  const app = (await compiled()).createNestApplication<NestFastifyApplication>(new FastifyAdapter());
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  expect(await byInject(app, '/webhooks/dbt', dbtCloudWebhook({ event: 'failed' }))).toBe(200);
  await app.close();
});
`;

/** The Jest configuration of `nest new` of @nestjs/schematics 11.0.0. */
const TS_JEST = {
  moduleFileExtensions: ['js', 'json', 'ts'],
  rootDir: 'src',
  testRegex: '.*\\.spec\\.ts$',
  transform: { '^.+\\.(t|j)s$': 'ts-jest' },
  testEnvironment: 'node',
};
const SWC = {
  jsc: {
    target: 'es2022',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
  },
  module: { type: 'es6' },
};
const JEST_ESM = `export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\\\.{1,2}/.*)\\\\.js$': '$1' },
  transform: { '^.+\\\\.ts$': ['@swc/jest', ${JSON.stringify({ ...SWC, swcrc: false })}] },
};`;
const VITEST = `import swc from 'unplugin-swc';
import { defineConfig } from 'vitest/config';
export default defineConfig({ plugins: [swc.vite({ module: { type: 'es6' } })] });`;

/** Runs a test runner, whose report may go to either stream, and expects this number of passing tests. */
async function runTests(cwd, program, passed) {
  const output = await command(
    cwd,
    'sh',
    '-c',
    'NO_COLOR=1 FORCE_COLOR=0 "$0" "$@" 2>&1',
    process.execPath,
    ...program,
  );
  if (!new RegExp(`Tests:?\\s+${passed} passed`).test(output)) throw new Error(`expected ${passed} passed:\n${output}`);
}

export function testToolSuites({ folder, tarball }) {
  const root = join(folder, 'test-tools');
  const program = (path) => join(root, 'node_modules', path);

  /** Writes an app below the folder with the installed packages, which it finds upward. */
  async function writeApp(name, manifest, files) {
    await mkdir(join(root, name, 'src'), { recursive: true });
    const all = { ...files, 'package.json': JSON.stringify({ private: true, ...manifest }) };
    for (const [file, text] of Object.entries(all)) await writeFile(join(root, name, file), text);
    return join(root, name);
  }

  return [
    {
      name: "The docs' tests in ts-jest, Jest with ESM and Vitest",
      anyNode: true,
      checks: {
        'installs all three': () =>
          install(
            root,
            {
              type: 'commonjs',
              dependencies: {
                ...versionOf([
                  'class-transformer',
                  'class-validator',
                  'reflect-metadata',
                  'rxjs',
                  'jest',
                  '@jest/globals',
                  '@swc/core',
                  '@swc/jest',
                ]),
                ...nest({
                  common: '11.2.10',
                  core: '11.2.10',
                  'platform-express': '11.2.10',
                  'platform-fastify': '11.2.8',
                  testing: '11.2.6',
                }),
                '@types/jest': '30.0.0',
                '@types/supertest': '7.2.1',
                supertest: '7.3.2',
                'ts-jest': '29.4.15',
                typescript: '5.7.3',
                undici: '7.30.2',
                'unplugin-swc': '2.0.0',
                vitest: '4.1.12',
              },
            },
            tarball,
          ),
        "ts-jest with Nest 11.0's template runs the app's test, and one with each HTTP client": async () => {
          const { files, snippets } = await codeOf('docs/testing.md');
          const cwd = await writeApp(
            'ts-jest',
            { jest: TS_JEST },
            {
              'tsconfig.json': JSON.stringify({ compilerOptions: NEST_11_OPTIONS }),
              'src/app.module.ts': files['src/app.module.ts'],
              'src/clients.ts': files['src/clients.ts'],
              'src/app.spec.ts': replaced(
                files['src/app.spec.ts'],
                ["import { afterEach, beforeEach, expect, it } from '@jest/globals';\n", ''],
                ["'./app.module.js'", "'./app.module'"],
              ),
              'src/clients.spec.ts': clientsSpec(snippets),
            },
          );
          await runTests(cwd, [program('jest/bin/jest.js'), '-i'], 5);
        },
        "Jest with ESM runs the app's tests unchanged": async () => {
          const { files } = await codeOf('docs/testing.md');
          const cwd = await writeApp('jest-esm', { type: 'module' }, { ...files, 'jest.config.js': JEST_ESM });
          await runTests(cwd, ['--experimental-vm-modules', program('jest/bin/jest.js'), '-i'], 3);
        },
        "Vitest runs the app's tests": async () => {
          const { files } = await codeOf('docs/testing.md');
          const inVitest = (file) => replaced(files[file], ["'@jest/globals'", "'vitest'"]);
          const cwd = await writeApp(
            'vitest',
            { type: 'module' },
            {
              ...files,
              'src/app.spec.ts': inVitest('src/app.spec.ts'),
              'src/nightly.spec.ts': inVitest('src/nightly.spec.ts'),
              'src/data-quality.spec.ts': inVitest('src/data-quality.spec.ts'),
              'tsconfig.json': JSON.stringify({
                compilerOptions: { ...NEST_11_OPTIONS, module: 'nodenext', target: 'ES2022' },
              }),
              'vitest.config.ts': VITEST,
            },
          );
          await runTests(cwd, [program('vitest/vitest.mjs'), 'run'], 3);
        },
      },
    },
  ];
}
