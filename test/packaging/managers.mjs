// Apps installed by pnpm, strictly and in a workspace, and by Yarn with Plug'n'Play.
import { cp, mkdir, readdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  addSqliteBinary,
  command,
  compile,
  dependenciesOf,
  needsSqliteDriver,
  repo,
  start,
  STRICT,
} from './packed-app.mjs';
import { expectRefusal, serving } from './serving.mjs';
import { ENV, expectEqual } from './webhook.mjs';

const { devDependencies } = JSON.parse(await readFile(join(repo, 'package.json'), 'utf8'));
const peers = Object.fromEntries(
  ['class-transformer', 'class-validator', 'reflect-metadata', 'rxjs'].map((name) => [name, devDependencies[name]]),
);
const nest = (version) =>
  Object.fromEntries(['common', 'core', 'platform-express'].map((name) => [`@nestjs/${name}`, version]));
const writeJson = (file, value) => writeFile(file, JSON.stringify(value));

/** Installs a package manager in its own folder, and returns the arguments that run it with this Node. */
async function manager(folder, name, version, file) {
  await mkdir(folder, { recursive: true });
  await writeJson(join(folder, 'package.json'), { private: true });
  const flags = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'];
  await command(folder, 'npm', 'install', ...flags, `${name}@${version}`);
  return [process.execPath, join(folder, 'node_modules', name, file)];
}

const SHARED_HANDLERS = `
const { OnRunFailed } = require('nestjs-runhooks');
class SharedHandlers {
  note(event) { console.log('shared ' + event.run.id); }
}
OnRunFailed({ id: 'shared.note' })(SharedHandlers.prototype, 'note', Object.getOwnPropertyDescriptor(SharedHandlers.prototype, 'note'));
exports.SharedHandlers = SharedHandlers;
`;
/** The app of a workspace, with its own module and handlers of the shared library. */
const MAIN_SHARED = `
require('reflect-metadata');
const { Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { SharedHandlers } = require('shared-handlers');
const { AppModule } = require('./app.module.js');
const { serve } = require('./serve.js');
class WorkspaceModule {}
Module({ imports: [AppModule], providers: [SharedHandlers] })(WorkspaceModule);
void NestFactory.create(WorkspaceModule).then(serve);
`;

function pnpmSuite(folder, tarball) {
  const root = join(folder, 'pnpm');
  const app = join(root, 'app');
  const other = join(root, 'other-app');
  const dependencies = dependenciesOf({ ...peers, ...nest('12.5.1') }, tarball);
  let running;
  const serves = serving((env) => (running = start(app, 'main-shared.js', env)));

  return {
    name: 'pnpm, strict, in a workspace',
    anyNode: true,
    stop: serves.stop,
    checks: {
      'installs without hoisting and with strict peers': async () => {
        const packages = {
          app: { dependencies: { ...dependencies, 'shared-handlers': 'workspace:*' } },
          'shared-handlers': {
            peerDependencies: { 'nestjs-runhooks': '*' },
            devDependencies: dependencies,
          },
          'other-app': { dependencies: { ...dependencies, 'shared-handlers': 'workspace:own-copy@*' } },
          // This library makes the mistake of depending on the package and on another class-validator than the app's.
          'own-copy': { dependencies: { ...dependencies, 'class-validator': '0.14.2' } },
        };
        for (const [name, manifest] of Object.entries(packages)) {
          await mkdir(join(root, name), { recursive: true });
          await writeJson(join(root, name, 'package.json'), { name, version: '1.0.0', private: true, ...manifest });
          if (!name.endsWith('app')) await writeFile(join(root, name, 'index.js'), SHARED_HANDLERS);
        }
        await writeJson(join(root, 'package.json'), { private: true });
        await writeJson(join(root, 'pnpm-workspace.yaml'), {
          packages: Object.keys(packages),
          nodeLinker: 'isolated',
          hoist: false,
          strictPeerDependencies: true,
          storeDir: join(folder, 'pnpm-store'),
        });
        const [program, ...args] = await manager(join(folder, 'pnpm-itself'), 'pnpm', '12.21.0', 'bin/pnpm.mjs');
        await command(root, program, ...args, 'install', '--ignore-scripts', '--prefer-offline');
        if (needsSqliteDriver) await addSqliteBinary(await realpath(join(app, 'node_modules/better-sqlite3')));
      },
      'compiles strictly against the packed types, declarations included': async () => {
        // Without hoisting, the types of @nestjs/core do not find all their own imports.
        await compile(app, ['main-express.ts', 'missing-pg.ts'], { ...STRICT, declaration: true, skipLibCheck: true });
        await writeFile(join(app, 'dist/main-shared.js'), MAIN_SHARED);
        await cp(join(app, 'dist'), join(other, 'dist'), { recursive: true });
      },
      'has one copy and handles a webhook when a shared library lists the package as a peer': async () => {
        await serves.check();
        expectEqual(await running.line('shared'), '12345');
      },
      'names both locations when a shared library has its own copy': () =>
        expectRefusal(
          start(other, 'main-shared.js', ENV),
          /expected one copy in this process, got 2, .*node_modules\/\.pnpm\/.* and .*node_modules\/\.pnpm\/.*peerDependencies/,
        ),
      'names the package pg when it is missing': () =>
        expectRefusal(start(app, 'missing-pg.js', ENV), /package pg could not be loaded\. Run `npm install pg@8`/),
    },
  };
}

function yarnSuite(folder, tarball) {
  const cwd = join(folder, 'yarn');
  let yarn;
  /** Runs Node like `yarn node`, but without a process between the test and the app. */
  const node = () => [process.execPath, '--require', './.pnp.cjs', '--experimental-loader', './.pnp.loader.mjs'];
  const serves = serving((env) => start(cwd, 'main-express.js', env, node()));

  return {
    name: "Yarn with Plug'n'Play",
    anyNode: true,
    stop: serves.stop,
    checks: {
      'installs without node_modules': async () => {
        yarn = await manager(join(folder, 'yarn-itself'), '@yarnpkg/cli-dist', '4.18.1', 'bin/yarn.js');
        await mkdir(cwd);
        await writeJson(join(cwd, 'package.json'), {
          private: true,
          type: 'commonjs',
          dependencies: dependenciesOf({ ...peers, ...nest('11.2.10') }, tarball),
          dependenciesMeta: { 'better-sqlite3': { unplugged: true } },
        });
        await writeFile(join(cwd, 'yarn.lock'), '');
        await writeJson(join(cwd, '.yarnrc.yml'), {
          nodeLinker: 'pnp',
          enableGlobalCache: false,
          enableScripts: false,
          enableTelemetry: false,
          npmRegistryServer: (await command(folder, 'npm', 'config', 'get', 'registry')).trim(),
        });
        const [program, ...args] = yarn;
        await command(cwd, program, ...args, 'install', '--no-immutable');
        if (needsSqliteDriver) {
          const unplugged = join(cwd, '.yarn/unplugged');
          const driver = (await readdir(unplugged)).find((name) => name.startsWith('better-sqlite3-'));
          await addSqliteBinary(join(unplugged, driver, 'node_modules/better-sqlite3'));
        }
      },
      'compiles without type checks': () =>
        compile(cwd, ['main-express.ts', 'missing-pg.ts'], { ...STRICT, noCheck: true, types: [] }),
      'handles a webhook': serves.check,
      'names the package pg when it is missing': () =>
        expectRefusal(
          start(cwd, 'missing-pg.js', ENV, node()),
          /package pg could not be loaded\. Run `npm install pg@8`/,
        ),
    },
  };
}

export const managerSuites = ({ folder, tarball }) => [pnpmSuite(folder, tarball), yarnSuite(folder, tarball)];
