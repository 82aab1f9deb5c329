// From `nest new` to a handled webhook, by following only the README and by `nest add`. The apps of one major version
// of Nest are folders beside each other and share the packages installed in the folder around them.
import { readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { readmeFile, readmeSecret, readmeSend } from './first-hour.mjs';
import { command, install, repo, start } from './packed-app.mjs';
import { expectEqual } from './webhook.mjs';

/** The quickstart of README.md takes at most ten minutes. */
const SECONDS_MAX = 600;
/** From this Node version on, Jest loads the ES modules of Nest 12 in the CommonJS template. */
const [major, minor] = process.versions.node.split('.').map(Number);
const jestRequiresEsm = major > 24 || (major === 24 && minor >= 9);

const { devDependencies } = JSON.parse(await readFile(join(repo, 'package.json'), 'utf8'));
const ours = (...names) => Object.fromEntries(names.map((name) => [name, devDependencies[name]]));
const jest = { ...ours('jest'), '@types/jest': '30.0.0', 'ts-jest': '29.4.15' };
const peers = ours('class-transformer', 'class-validator', 'reflect-metadata', 'rxjs');

/**
 * The packages that the templates need to be built and tested, including Fastify, Rspack (in monorepos) and webpack.
 */
const NEST_12 = {
  ...peers,
  ...jest,
  ...ours('@nestjs/cli', '@nestjs/common', '@nestjs/core', '@nestjs/platform-express', '@nestjs/platform-fastify'),
  ...ours('@nestjs/testing', '@types/express', 'typescript'),
  '@rspack/core': '2.3.4',
  'fork-ts-checker-webpack-plugin': '9.2.0',
  'ts-loader': '9.6.2',
  'tsconfig-paths-webpack-plugin': '4.2.0',
  'vite-tsconfig-paths': '5.1.4',
  vitest: '4.1.12',
  webpack: '5.113.0',
  'webpack-node-externals': '3.0.0',
};
const NEST_11 = {
  ...peers,
  ...jest,
  '@nestjs/cli': '11.0.24',
  '@nestjs/common': '11.2.10',
  '@nestjs/core': '11.2.10',
  '@nestjs/platform-express': '11.2.10',
  '@nestjs/testing': '11.2.6',
  typescript: '5.9.3',
};

const readJson = async (path) => JSON.parse(await readFile(path, 'utf8'));
const edit = async (path, change) => writeFile(path, change(await readFile(path, 'utf8')));
const editJson = (path, change) => edit(path, (text) => JSON.stringify(change(JSON.parse(text)), null, 2));

/** Runs `nest new`. The CLI asks for CommonJS or ESM only on a terminal, and then runs the command given here. */
async function nestNew(home, name, type) {
  const flags = ['--language=ts', '--strict', '--package-manager=npm'];
  const schematics = join(home, 'node_modules/@angular-devkit/schematics-cli/bin/schematics.js');
  if (type === 'cjs') {
    const options = [`--name=${name}`, `--type=${type}`, ...flags];
    await command(home, process.execPath, schematics, '@nestjs/schematics:application', ...options);
  } else {
    await command(home, 'node_modules/.bin/nest', 'new', name, '--skip-install', '--skip-git', ...flags.slice(1));
  }
  await symlink('../node_modules', join(home, name, 'node_modules'));
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, () => {
      const { port } = server.address();
      server.close(() => resolve(String(port)));
    });
  });
}

/** The app of one suite, with paths relative to its folder. */
class App {
  #running;
  #began;

  constructor(home, name) {
    this.home = home;
    this.name = name;
    this.cwd = join(home.folder, name);
  }

  async create({ type, monorepo }) {
    this.#began = Date.now();
    await this.home.installed();
    await nestNew(this.home.folder, this.name, type);
    if (monorepo) await this.run('nest', 'generate', 'app', 'second');
  }

  run(name, ...args) {
    return command(this.cwd, join('node_modules/.bin', name), ...args);
  }

  async start(main, env = {}) {
    await this.stop();
    const port = await freePort();
    this.#running = start(this.cwd, main, { PORT: port, ...env });
    await this.#running.logged('Nest application successfully started');
    return { port, running: this.#running };
  }

  /** Sends the webhook of the README's command and returns the log line of the handler. */
  async handled(main) {
    const { port, running } = await this.start(main, readmeSecret);
    const answer = await command(this.cwd, 'sh', '-c', readmeSend(port));
    if (!answer.startsWith('200 accepted msg_')) throw new Error(`found ${answer}, expected 200 accepted msg_…`);
    return running.logged(' [OnCall] ');
  }

  /** Returns the seconds since the suite began to install and to run `nest new`; the README allows ten minutes. */
  seconds() {
    const seconds = Math.round((Date.now() - this.#began) / 1000);
    if (seconds > SECONDS_MAX)
      throw new Error(`found ${seconds} s for the install, nest new and the rest, expected at most ${SECONDS_MAX} s`);
    return `${seconds} s with the install`;
  }

  async stop() {
    this.#running?.child.kill('SIGKILL');
    await this.#running?.exited;
    this.#running = undefined;
  }

  /** Returns the text of each file of the app, by path, without its inbox, into which a running app writes. */
  async files() {
    const names = await readdir(this.cwd, { recursive: true, withFileTypes: true });
    const paths = names
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .filter((path) => !/node_modules|dist|runhooks\.db/.test(path.slice(this.cwd.length)));
    const texts = await Promise.all(paths.map(async (path) => [path, await readFile(path, 'utf8')]));
    return Object.fromEntries(texts.sort());
  }
}

const README_APPS = [
  { name: 'CommonJS + Jest', folder: 'readme-cjs', type: 'cjs' },
  { name: 'ESM + Vitest', folder: 'readme-esm', type: 'esm' },
  { name: 'Fastify', folder: 'readme-fastify', type: 'esm', fastify: true },
  { name: 'monorepo', folder: 'readme-mono', type: 'cjs', monorepo: true },
  { name: 'webpack', folder: 'readme-webpack', type: 'cjs', webpack: true },
];

function readmeSuite(home, { name, folder, ...layout }) {
  const app = new App(home, folder);
  const src = layout.monorepo ? `apps/${folder}/src` : 'src';
  return {
    name: `nest new, ${name}, by the README`,
    anyNode: true,
    stop: () => app.stop(),
    checks: {
      'is created by nest new': async () => {
        await app.create(layout);
        if (layout.fastify) await edit(join(app.cwd, src, 'main.ts'), onFastify);
        if (layout.webpack) {
          await editJson(join(app.cwd, 'nest-cli.json'), (cli) => ({
            ...cli,
            compilerOptions: { ...cli.compilerOptions, builder: 'webpack' },
          }));
        }
      },
      "builds with the README's handler and module": async () => {
        for (const file of ['on-call.ts', 'app.module.ts']) {
          await writeFile(join(app.cwd, src, file), readmeFile(file, { end: layout.type === 'esm' ? '.js' : '' }));
        }
        await command(app.cwd, 'npm', 'run', '-s', 'build');
      },
      "handles the webhook of the README's command": async () => {
        const line = await app.handled(layout.monorepo ? `apps/${folder}/main.js` : 'main.js');
        if (!/Page \(key dlv_\w+\): nightly-build failed$/.test(line)) throw new Error(`found ${line}`);
        return app.seconds();
      },
      ...(layout.monorepo && {
        'is rejected by nest add, which would add a second module': async () => {
          const printed = await refused(app, `--project=${folder}`);
          expectEqual(printed.includes(`${src}/app.module.ts: expected no WebhooksModule.forRoot()`), true);
        },
      }),
    },
  };
}

/** Runs a `nest add` that must fail without changing a file, and returns its output. */
async function refused(app, ...flags) {
  const before = await app.files();
  const add = app.run('nest', 'add', 'nestjs-runhooks', '--skip-install', '--provider=dbt-cloud', ...flags);
  const printed = await add.then(
    () => Promise.reject(new Error('found a nest add that succeeded, expected an error')),
    (error) => error.message,
  );
  expectEqual(await app.files(), before);
  return printed;
}

function onFastify(main) {
  const adapter = "import { FastifyAdapter } from '@nestjs/platform-fastify';\n";
  return adapter + main.replace('NestFactory.create(AppModule)', 'NestFactory.create(AppModule, new FastifyAdapter())');
}

const ADD_APPS = [
  { name: 'Nest 11', folder: 'add-11', type: '11', test: true },
  { name: 'CommonJS + Jest', folder: 'add-cjs', type: 'cjs', test: jestRequiresEsm },
  { name: 'ESM + Vitest', folder: 'add-esm', type: 'esm', test: true },
];

function addSuite(home, { name, folder, test, ...layout }) {
  const app = new App(home, folder);
  const add = (...flags) =>
    app.run('nest', 'add', 'nestjs-runhooks', '--skip-install', '--provider=dbt-cloud', ...flags);
  return {
    name: `nest add, ${name}`,
    // Another Node version matters only if Jest can load Nest 12.
    anyNode: name !== 'CommonJS + Jest',
    stop: () => app.stop(),
    checks: {
      'writes nothing with --dry-run': async () => {
        await app.create(layout);
        const before = await app.files();
        const printed = await add('--dry-run');
        expectEqual(printed.includes('src/webhooks/on-call.spec.ts'), true);
        expectEqual(await app.files(), before);
      },
      'changes nothing when run again': async () => {
        const printed = await add();
        const [start] = /nest start .*$/m.exec(printed);
        expectEqual(start, 'nest start --env-file .env');
        expectEqual((await app.run('nest', 'start', '--help')).includes('--env-file'), true);
        const first = await app.files();
        expectEqual(Object.keys(first).filter((path) => path.includes('/src/webhooks/')).length, 3);
        await add();
        expectEqual(await app.files(), first);
      },
      ...(test && {
        "passes the app's tests": async () => {
          await command(app.cwd, 'npm', 'test');
        },
      }),
      'starts without a secret': async () => {
        await command(app.cwd, 'npm', 'run', '-s', 'build');
        const { running } = await app.start('main.js');
        expectEqual(running.output().includes('Source "dbt" (dbt-cloud) is disabled'), true);
      },
      'handles a signed webhook': async () => {
        const line = await app.handled('main.js');
        if (!/nightly-build failed \(dlv_\w+\)$/.test(line)) throw new Error(`found ${line}`);
        return app.seconds();
      },
    },
  };
}

const STRICTEST = {
  noEmit: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  noImplicitOverride: true,
  noImplicitReturns: true,
  noPropertyAccessFromIndexSignature: true,
  noUncheckedIndexedAccess: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  skipLibCheck: true,
};

/** Adds an app of a monorepo with settings that no other suite uses. */
function addOtherSuite(home) {
  const app = new App(home, 'add-mono');
  return {
    name: 'nest add, monorepo, both providers, Postgres, Fastify alone',
    anyNode: true,
    checks: {
      'writes nothing for a project that does not exist': async () => {
        await app.create({ type: 'esm', monorepo: true });
        const printed = await refused(app, '--project=secnod');
        expectEqual(printed.includes('--project: expected add-mono or second, got "secnod"'), true);
      },
      'writes files that compile with the strictest options': async () => {
        await editJson(join(app.cwd, 'package.json'), ({ dependencies, ...manifest }) => {
          const { '@nestjs/platform-express': version, ...rest } = dependencies;
          return { ...manifest, dependencies: { ...rest, '@nestjs/platform-fastify': version } };
        });
        const flags = ['--project=second', '--provider=dbt-cloud,paradime', '--inbox=postgres'];
        await app.run('nest', 'add', 'nestjs-runhooks', '--skip-install', ...flags);
        const module = await readFile(join(app.cwd, 'apps/second/src/webhooks/webhooks.module.ts'), 'utf8');
        expectEqual(module.includes("schema: 'runhooks_second'"), true);
        const project = {
          extends: './tsconfig.app.json',
          compilerOptions: STRICTEST,
          include: ['src/webhooks'],
          exclude: [],
        };
        await writeFile(join(app.cwd, 'apps/second/tsconfig.webhooks.json'), JSON.stringify(project));
        const compiled = await app.run('tsc', '--listFilesOnly', '-p', 'apps/second/tsconfig.webhooks.json');
        expectEqual(compiled.split('\n').filter((path) => path.includes('/apps/second/src/webhooks/')).length, 3);
        await app.run('tsc', '-p', 'apps/second/tsconfig.webhooks.json');
      },
      "passes the app's tests": async () => {
        const report = join(app.cwd, 'report.json');
        await app.run('vitest', 'run', 'apps/second', '--reporter=json', `--outputFile=${report}`);
        const { numPassedTests, numTotalTests } = await readJson(report);
        expectEqual([numPassedTests, numTotalTests], [3, 3]);
      },
    },
  };
}

/** Returns a folder in which the first suite that needs it installs the packages. */
function homeOf(folder, dependencies, tarball) {
  let installation;
  const installed = () => (installation ??= install(folder, { type: 'commonjs', dependencies }, tarball));
  return { folder, installed };
}

export function nestNewSuites({ folder, tarball }) {
  const twelve = homeOf(join(folder, 'nest-12'), NEST_12, tarball);
  const eleven = homeOf(join(folder, 'nest-11'), NEST_11, tarball);
  return [
    ...ADD_APPS.map((app) => addSuite(app.type === '11' ? eleven : twelve, app)),
    addOtherSuite(twelve),
    ...README_APPS.map((app) => readmeSuite(twelve, app)),
  ];
}
