// Small Nest apps of both major versions, formats and adapters, each with the packed tarball installed.
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packagesOfTypes } from './declarations.mjs';
import { brokenLinks } from './links.mjs';
import { command, compile, install, NEST_11_OPTIONS, repo, start, STRICT } from './packed-app.mjs';
import { COMPLETED, ENV, expectEqual, post, RUN_ID, WEBHOOK } from './webhook.mjs';

const { exports, devDependencies } = JSON.parse(await readFile(join(repo, 'package.json'), 'utf8'));

const nest = (versions) => Object.fromEntries(Object.entries(versions).map(([name, v]) => [`@nestjs/${name}`, v]));
const peers = Object.fromEntries(
  ['class-transformer', 'class-validator', 'reflect-metadata', 'rxjs'].map((name) => [name, devDependencies[name]]),
);
/** Optional peers that an entry point loads; two of the apps lack them. */
const { bullmq, ioredis } = devDependencies;
const oldestPeers = { ...peers, 'class-validator': '0.14.2', 'reflect-metadata': '0.1.14', rxjs: '7.8.0' };

/**
 * Apps that cover both major versions (the oldest supported and a recent one of each), both formats and both adapters.
 */
const APPS = [
  {
    name: "Nest 11.0's template (CommonJS, node10 resolution), with its own older BullMQ and ioredis",
    type: 'commonjs',
    main: 'main-express',
    also: 'old-bullmq',
    compilerOptions: NEST_11_OPTIONS,
    dependencies: {
      ...peers,
      bullmq: '5.81.5',
      ioredis: '4.31.0',
      typescript: '5.7.3',
      ...nest({ common: '11.1.4', core: '11.1.4', 'platform-express': '11.1.4' }),
    },
  },
  {
    name: 'Nest 11.1 CommonJS Express, with an older lib',
    type: 'commonjs',
    main: 'main-express',
    compilerOptions: { ...STRICT, lib: ['es2021'], skipLibCheck: false },
    dependencies: { ...oldestPeers, ...nest({ common: '11.1.4', core: '11.1.4', 'platform-express': '11.1.4' }) },
  },
  {
    name: 'Nest 11.2 ESM Fastify',
    type: 'module',
    main: 'main-fastify',
    dependencies: { ...peers, ...nest({ common: '11.2.10', core: '11.2.10', 'platform-fastify': '11.2.8' }) },
  },
  {
    name: 'Nest 12.5 CommonJS Fastify',
    type: 'commonjs',
    main: 'main-fastify',
    dependencies: {
      ...peers,
      bullmq,
      ioredis,
      ...nest({ common: '12.5.1', core: '12.5.1', 'platform-fastify': '12.5.0' }),
    },
  },
  {
    name: 'Nest 12.0 ESM Express',
    type: 'module',
    main: 'main-express',
    also: 'both-builds',
    dependencies: {
      ...peers,
      bullmq,
      ioredis,
      ...nest({ common: '12.0.1', core: '12.0.1', 'platform-express': '12.0.1' }),
    },
  },
];

function suiteOf(app, cwd, tarball) {
  let running;
  let url;
  const entries = Object.keys(exports).filter(
    (entry) => exports[entry].import && (entry !== './bullmq' || app.dependencies.bullmq),
  );
  return {
    name: app.name,
    stop: async () => {
      running?.child.kill('SIGKILL');
      await running?.exited;
    },
    checks: {
      'installs with its pinned peers': () => install(cwd, app, tarball),
      'compiles strictly against the packed types': () =>
        compile(
          cwd,
          [app.main, app.also].filter(Boolean).map((file) => `${file}.ts`),
          app.compilerOptions,
        ),
      'has types for an SQLite inbox that need no types of Kysely': async () => {
        const folder = join(cwd, 'node_modules/nestjs-runhooks');
        const condition = app.type === 'module' ? 'import' : 'require';
        const needed = await packagesOfTypes(folder, './sqlite', condition);
        expectEqual([needed.has('kysely'), needed.has('reflect-metadata')], [false, true]);
      },
      'loads every entry point': async () => {
        const load = app.type === 'module' ? 'await import' : 'require';
        for (const entry of entries) {
          const name = entry.replace('.', 'nestjs-runhooks');
          await command(cwd, process.execPath, `--input-type=${app.type}`, '-e', `${load}(${JSON.stringify(name)})`);
        }
      },
      'names the locations of a second copy of the package': async () => {
        const second = join(cwd, 'lib/node_modules/nestjs-runhooks');
        await cp(join(cwd, 'node_modules/nestjs-runhooks'), second, { recursive: true });
        const load = app.type === 'module' ? 'await import' : 'require';
        await writeFile(join(cwd, 'lib/index.js'), `${load}('nestjs-runhooks');`);
        const script = `${load}('./lib/index.js'); ${load}('./dist/${app.main}.js');`;
        const failure = await command(cwd, process.execPath, `--input-type=${app.type}`, '-e', script).then(
          () => 'the app started',
          (error) => error.message,
        );
        if (
          !/expected one copy in this process, got 2, .*lib\/node_modules.* and .*app-\d+\/node_modules/.test(failure)
        ) {
          throw new Error(failure);
        }
      },
      'has documents whose links lead to packaged files': async () => {
        const broken = await brokenLinks(join(cwd, 'node_modules/nestjs-runhooks'));
        expectEqual(broken, []);
      },
      'has its commands': async () => {
        for (const name of ['backup', 'move', 'send']) {
          const help = await command(cwd, 'npx', '--no-install', 'nestjs-runhooks', name, '--help');
          if (!help.startsWith(`Usage: npx nestjs-runhooks ${name}`)) throw new Error(`found ${help}`);
        }
      },
      'returns 200 for a signed webhook': async () => {
        running = start(cwd, `${app.main}.js`, ENV);
        url = await running.line('listening');
        expectEqual(await post(url, WEBHOOK), [200, 'accepted']);
      },
      'passes the event to its handler': async () => {
        expectEqual(JSON.parse(await running.line('handled')), { type: 'run.failed', run: RUN_ID, attempt: 1 });
      },
      'recognizes a resent webhook as a duplicate': async () =>
        expectEqual(await post(url, WEBHOOK), [200, 'duplicate']),
      'rejects a forged signature': async () => expectEqual((await post(url, WEBHOOK, '0'.repeat(64)))[0], 401),
      'drains a handler before the host destroys its resources': async () => {
        expectEqual(await post(url, COMPLETED), [200, 'accepted']);
        await running.line('lingers');
        running.child.stdin.end();
        await running.line('drained');
      },
      'ends by itself once closed': async () => {
        expectEqual(await running.exited, 0);
      },
      ...(app.also === 'old-bullmq' && {
        'names the required BullMQ version when the host has an older one': async () => {
          running = start(cwd, 'old-bullmq.js', ENV);
          const code = await running.exited;
          if (code === 0 || !/expected bullmq 6\.3\.3 or newer, got 5\..*npm install bullmq@/s.test(running.output())) {
            throw new Error(`ended with ${code} and no clear error:\n${running.output()}`);
          }
        },
      }),
      ...(app.also === 'both-builds' && {
        'fails the startup when both builds are loaded': async () => {
          running = start(cwd, 'both-builds.js', ENV);
          const code = await running.exited;
          if (code === 0 || !/nestjs-runhooks.*(ESM|import).*(CommonJS|require)/is.test(running.output())) {
            throw new Error(`ended with ${code} and no clear error:\n${running.output()}`);
          }
        },
      }),
    },
  };
}

export const appSuites = ({ folder, tarball }) =>
  APPS.map((app, index) => suiteOf(app, join(folder, `app-${index}`), tarball));
