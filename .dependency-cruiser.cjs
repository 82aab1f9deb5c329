// The arrows of the code base (ARCHITECTURE.md): everything points to libs/core, and core points nowhere.
const rooms = require('./.rooms.cjs');

const spec = '\\.(spec|e2e-spec|test-d)\\.ts$';
/** The files of core that check payloads for every provider, and what they do it with. */
const payloadChecks = '^libs/core/src/payloads/payload-';
const payloadPackages = '^node_modules/(class-validator|class-transformer|reflect-metadata)/';
const specPackages = '^node_modules/(@jest/globals|fast-check)/';

/** What libs may know of the core. Only libs, tests and benchmarks may know `internal`. */
const coreEntries = '^libs/core/src/(index|internal)\\.ts$';
/** Reading of dbt's files, which the providers share. */
const artifactsIndex = '^libs/dbt-artifacts/src/index\\.ts$';
const nestIndex = '^libs/nest/src/index\\.ts$';
/** What `npx nestjs-runhooks` does to an inbox; only libs/cli may know it. */
const inboxCommands = '^libs/sql-inbox/src/(backup/backup-inbox|move/move-inbox)\\.ts$';
const builtInProviders = '^libs/(dbt-cloud|paradime)/src/index\\.ts$';

/** Libraries that only some libs may know: the package (as a path below node_modules) and the libs. */
const reserved = [
  { name: 'nest-only-in-nest-and-testing', packages: '@nestjs', libs: 'nest/|testing/' },
  { name: 'kysely-only-in-sql-inbox', packages: 'kysely', libs: 'sql-inbox/' },
  { name: 'sqlite-driver-only-in-sql-inbox', packages: '(@types/)?better-sqlite3', libs: 'sql-inbox/' },
  { name: 'postgres-driver-only-in-sql-inbox', packages: '(@types/)?pg', libs: 'sql-inbox/' },
  { name: 'bullmq-only-in-bullmq', packages: 'bullmq|ioredis', libs: 'bullmq/' },
  {
    name: 'class-validator-only-for-payloads',
    packages: 'class-validator|class-transformer',
    libs: 'dbt-cloud/|paradime/|core/src/payloads/payload-',
  },
];

const roomOf = (lib, room) => `^libs/${lib}/src/${room === '.' ? '[^/]+$' : `${room}/`}`;

const orderOfRooms = rooms.flatMap(({ lib, order, doors }) =>
  order.slice(0, -1).map((room, index) => ({
    name: `${lib}-${room === '.' ? 'files' : room}-knows-only-rooms-before-it`,
    severity: 'error',
    from: { path: roomOf(lib, room), pathNot: [spec, `^libs/${lib}/src/(${doors})\\.ts$`] },
    to: { path: order.slice(index + 1).map((later) => roomOf(lib, later)), pathNot: '/src/limits\\.ts$' },
  })),
);

module.exports = {
  forbidden: [
    ...orderOfRooms,
    {
      name: 'core-knows-only-node',
      comment: 'libs/core is plain TypeScript over node: builtins; third parties build on it without Nest or a driver.',
      severity: 'error',
      from: { path: '^libs/core/', pathNot: [spec, payloadChecks] },
      to: { pathNot: '^libs/core/', dependencyTypesNot: ['core'] },
    },
    {
      name: 'core-payload-checks-know-only-class-validator',
      severity: 'error',
      from: { path: payloadChecks, pathNot: spec },
      to: { pathNot: ['^libs/core/', payloadPackages], dependencyTypesNot: ['core'] },
    },
    {
      name: 'core-specs-know-only-jest-and-fast-check',
      severity: 'error',
      from: { path: `^libs/core/.*${spec}`, pathNot: payloadChecks },
      to: { pathNot: ['^libs/core/', specPackages], dependencyTypesNot: ['core'] },
    },
    {
      name: 'core-payload-specs-know-only-jest-and-class-validator',
      severity: 'error',
      from: { path: `${payloadChecks}.*${spec}` },
      to: { pathNot: ['^libs/core/', specPackages, payloadPackages], dependencyTypesNot: ['core'] },
    },
    {
      name: 'libs-know-only-core',
      comment: 'A lib imports nothing of ours but `nestjs-runhooks/core` and `nestjs-runhooks/internal`.',
      severity: 'error',
      from: { path: '^libs/([^/]+)/', pathNot: [spec, '^libs/(testing|cli|dbt-cloud|paradime)/', nestIndex] },
      to: { path: '^(libs|apps|test|bench)/', pathNot: ['^libs/$1/', coreEntries] },
    },
    {
      name: 'providers-know-core-and-artifacts',
      severity: 'error',
      from: { path: '^libs/(dbt-cloud|paradime)/', pathNot: spec },
      to: { path: '^(libs|apps|test|bench)/', pathNot: ['^libs/$1/', coreEntries, artifactsIndex] },
    },
    {
      name: 'providers-know-only-the-public-core',
      comment: 'The built-in providers use the API that other providers use.',
      severity: 'error',
      from: { path: '^libs/(dbt-cloud|dbt-artifacts|paradime)/src/(?!.*\\.spec\\.ts$)' },
      to: { path: '^libs/core/src/internal\\.ts$' },
    },
    {
      name: 'internal-is-not-public',
      comment: 'The example app and the code of the docs use the public entries.',
      severity: 'error',
      from: { pathNot: ['^libs/', '^(test|bench)/'] },
      to: { path: '^libs/core/src/internal\\.ts$' },
    },
    {
      name: 'nest-add-knows-only-node',
      comment: 'It runs inside the Nest CLI, where it may find no other package.',
      severity: 'error',
      from: { path: '^libs/nest-add/', pathNot: spec },
      to: { pathNot: '^libs/nest-add/', dependencyTypesNot: ['core'] },
    },
    {
      name: 'nest-knows-core-and-the-types-of-providers',
      comment: 'The types of their payloads come with the root import; their code does not.',
      severity: 'error',
      from: { path: nestIndex },
      to: {
        path: '^(libs|apps|test|bench)/',
        pathNot: ['^libs/nest/', coreEntries, builtInProviders],
      },
    },
    {
      name: 'nest-knows-providers-by-type-only',
      severity: 'error',
      from: { path: nestIndex },
      to: { path: builtInProviders, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'testing-knows-core-nest-and-sqlite',
      comment: 'It drives a Nest app on an SQLite inbox; its payloads are made without the providers they are to test.',
      severity: 'error',
      from: { path: '^libs/testing/', pathNot: spec },
      to: {
        path: '^(libs|apps|test|bench)/',
        pathNot: ['^libs/testing/', coreEntries, nestIndex, '^libs/sql-inbox/src/sqlite\\.ts$'],
      },
    },
    {
      name: 'cli-knows-core-testing-and-what-it-does-to-files',
      comment: 'It copies and moves inboxes, which is not in the public API, and sends the webhooks of the test kit.',
      severity: 'error',
      from: { path: '^libs/cli/' },
      to: {
        path: '^(libs|apps|test|bench)/',
        pathNot: ['^libs/cli/', coreEntries, '^libs/testing/src/index\\.ts$', inboxCommands],
      },
    },
    {
      name: 'no-lib-imports-cli',
      severity: 'error',
      from: { path: '^libs/', pathNot: '^libs/cli/' },
      to: { path: '^libs/cli/' },
    },
    {
      name: 'specs-know-only-core-and-testing',
      severity: 'error',
      // The specs of libs/testing try its builders on the real providers and module.
      from: { path: `^libs/([^/]+)/.*${spec}`, pathNot: '^libs/testing/' },
      to: {
        path: '^(libs|apps|test|bench)/',
        pathNot: ['^libs/$1/', coreEntries, '^libs/testing/src/index\\.ts$', '^test/providers/'],
      },
    },
    {
      name: 'libs-by-package-name',
      comment: 'Other libs are imported by package name, as a third party would, never by a relative path.',
      severity: 'error',
      from: { path: '^(libs/[^/]+|apps/[^/]+|bench|test)/' },
      to: { path: '^libs/', pathNot: ['^$1/', inboxCommands], dependencyTypesNot: ['aliased'] },
    },
    ...reserved.map(({ name, packages, libs }) => ({
      name,
      severity: 'error',
      from: { path: '^libs/', pathNot: `^libs/(${libs})` },
      to: { path: `^node_modules/(${packages})/` },
    })),
    {
      name: 'libs-declare-what-they-import',
      comment: 'A package that a lib imports is in dependencies or peerDependencies.',
      severity: 'error',
      from: { path: '^libs/', pathNot: spec },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['npm', 'npm-peer', 'npm-optional'],
      },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-unresolvable',
      comment: 'Node 20 does not know node:sqlite.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^node:sqlite$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|test/packaging)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
