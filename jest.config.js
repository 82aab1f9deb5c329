import ts from 'typescript';

const rootDir = import.meta.dirname;
const { paths } = ts.readConfigFile(`${rootDir}/tsconfig.json`, (path) => ts.sys.readFile(path)).config.compilerOptions;

/** `NEST_PREFIX=<folder>`: the tests run on the Nest that is installed there, with the peers that it shares with us. */
const { NEST_PREFIX: nestPrefix } = process.env;
const nest = nestPrefix && {
  '^(@nestjs/[^/]+|class-transformer|class-validator|reflect-metadata|rxjs)(/.*)?$': `${nestPrefix}/node_modules/$1$2`,
};

const shared = {
  rootDir,
  testEnvironment: '<rootDir>/test/jest-environment.cjs',
  setupFiles: ['<rootDir>/test/property-seed.js'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    // What tsc does with the same options in tsconfig.json; types are checked by `npm run check:types`, not here.
    '^.+\\.ts$': [
      '@swc/jest',
      {
        sourceMaps: 'inline',
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
          keepClassNames: true,
        },
        module: { type: 'es6' },
      },
    ],
  },
  moduleFileExtensions: ['js', 'mjs', 'cjs', 'ts', 'json', 'node'],
  moduleNameMapper: {
    ...nest,
    ...Object.fromEntries(Object.entries(paths).map(([name, [file]]) => [`^${name}$`, `<rootDir>/${file}`])),
    // The sources say './x.js' for the file './x.ts', as Node and tsc want it.
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
};

/** In our own tests `jest.useFakeTimers()` holds our timers; in the tests of a host it must not, so test/timers runs without this. */
const held = {
  ...shared,
  moduleNameMapper: {
    '^(?:\\.{1,2}/)+(?:time/)?timers\\.js$': '<rootDir>/test/timers/held-timers.ts',
    ...shared.moduleNameMapper,
  },
};

/** The contract of a store, on files and on every driver, takes as long as a third of all the others beside a source. */
const SLOW = ['libs/sql-inbox/src/sqlite/sqlite-store.spec.ts'];

/** Tests of what another Node cannot change: statements with their plans and faults, models, simulations and documents. */
const SAME_ON_EVERY_NODE = [
  'test/postgres/(?!store-contract|complete-with)',
  'test/query-plans',
  'test/faults/every-statement',
  'test/model/runs-model',
  'test/(?:actions|results|unheard)/',
  'test/readme/d',
];

/** `OTHER_NODE=1`: the tests run on a second Node, so without those. */
const LEFT_OUT = process.env['OTHER_NODE'] ? SAME_ON_EVERY_NODE : [];

export default {
  maxWorkers: '100%',
  // Modules of a suite that is over are not given back: a process that has become large slows down what comes after.
  workerIdleMemoryLimit: '800MB',
  // Only a guard against a hang: a busy machine is slow, not wrong. So no test has a shorter time of its own, and what
  // tests wait for within themselves ends before this, and says what it was.
  testTimeout: 120_000,
  projects: [
    {
      ...held,
      displayName: 'unit',
      testMatch: ['<rootDir>/libs/**/*.spec.ts'],
      testPathIgnorePatterns: ['/node_modules/', ...SLOW],
    },
    {
      ...held,
      displayName: 'e2e',
      testMatch: ['test/**/*.e2e-spec.ts', 'test/**/*.spec.ts', ...SLOW].map((path) => `<rootDir>/${path}`),
      testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/timers/', ...LEFT_OUT],
    },
    { ...shared, displayName: 'timers', testMatch: ['<rootDir>/test/timers/*.spec.ts'] },
  ],
};
