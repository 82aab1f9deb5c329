import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { LIMITS } from 'nestjs-runhooks/internal';
import { SQL_LIMITS } from 'inside/sql-limits';
import { NEST_LIMITS } from 'inside/nest-limits';
import { ENVIRONMENT, readSettings } from '../../apps/example/src/settings.js';

const root = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

interface Service {
  readonly build?: string;
  readonly image: string;
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: object;
  readonly ports?: readonly string[];
  readonly stop_grace_period?: string;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly configs: Readonly<Record<string, { readonly content: string }>>;
}

const { safeLoad } = createRequire(import.meta.url)('js-yaml') as { safeLoad(text: string): unknown };
const { services, volumes, configs } = safeLoad(read('compose.yaml')) as Compose;
const ours = Object.entries(services).filter(([, { build }]) => build !== undefined);

/** Returns a value as compose interpolates it when only variables without a default are set. */
const interpolated = (value: string): string =>
  value.replace(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_, name: string, kind: string, rest: string) =>
    kind === '-' ? rest : `value-of-${name}`,
  );

function environmentOf({ environment = {} }: Service): Record<string, string> {
  const set = Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== null);
  return Object.fromEntries(set.map(([name, value]) => [name, interpolated(value)]));
}

describe('compose.yaml', () => {
  it('runs the example as receivers and workers, with variables the example reads', () => {
    const roles = ours.map(([, service]) => readSettings(environmentOf(service)).role);
    expect(roles.sort()).toEqual(['receiver', 'worker']);
    for (const [, { environment = {} }] of ours) {
      for (const name of Object.keys(environment)) expect(ENVIRONMENT).toContain(`  ${name} `);
    }
  });

  it('configures a database and a Redis among its services, with their user and password', () => {
    const { POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB } = environmentOf(services['postgres']!);
    const { REDISCLI_AUTH } = environmentOf(services['redis']!);
    for (const [, service] of ours) {
      const { databaseUrl, redisUrl, dbtSecret, paradimeSecret } = readSettings(environmentOf(service));
      expect(databaseUrl).toBe(`postgres://${POSTGRES_USER}:${POSTGRES_PASSWORD}@postgres:5432/${POSTGRES_DB}`);
      expect(redisUrl).toBe(`redis://:${REDISCLI_AUTH}@redis:6379`);
      expect([dbtSecret, paradimeSecret].every((secret) => secret?.startsWith('value-of-'))).toBe(true);
    }
  });

  it('waits for services that have a health check', () => {
    const needed = ours.flatMap(([, { depends_on = {} }]) => Object.entries(depends_on));
    expect(needed.length).toBeGreaterThan(0);
    for (const [name, { condition }] of needed) {
      expect(condition).toBe('service_healthy');
      expect(services[name]?.healthcheck).toBeDefined();
    }
  });

  it('gives running handlers the time to end', () => {
    const drainMs =
      NEST_LIMITS.drainMs + LIMITS.drainGraceMs + SQL_LIMITS.postgresCloseMs + SQL_LIMITS.postgresConnectMs;
    for (const [, { stop_grace_period = '10s' }] of ours) {
      expect(Number(/^(\d+)s$/.exec(stop_grace_period)?.[1]) * 1_000).toBeGreaterThan(drainMs);
    }
  });

  it('keeps the inbox in a volume', () => {
    const mounted = services['postgres']?.volumes ?? [];
    expect(mounted).toEqual(['inbox:/var/lib/postgresql/data']);
    expect(Object.keys(volumes)).toEqual(['inbox']);
  });

  it('contains no password and fails to start without generated ones', () => {
    const passwords = [...read('compose.yaml').matchAll(/\$\{(\w+_PASSWORD)([^}]*)\}/g)];
    expect(new Set(passwords.map(([, name]) => name))).toEqual(new Set(['POSTGRES_PASSWORD', 'REDIS_PASSWORD']));
    for (const [, , rest] of passwords) expect(rest).toMatch(/^:\?.*openssl rand -hex 32/);
    expect(services['postgres']?.environment?.['POSTGRES_PASSWORD']).toMatch(/^\$\{[^}]+\}$/);
    expect(interpolated(configs['redis']?.content ?? '')).toMatch(/^requirepass value-of-REDIS_PASSWORD$/m);
    expect(environmentOf(services['redis']!)['REDISCLI_AUTH']).toBe('value-of-REDIS_PASSWORD');
  });

  it('keeps the password file out of the repository and out of the image', () => {
    for (const file of ['.gitignore', '.dockerignore']) expect(read(file).split('\n')).toContain('.env*');
  });

  it('publishes ports on the loopback address only', () => {
    const published = Object.values(services).flatMap(({ ports = [] }) => ports);
    expect(published.length).toBeGreaterThan(0);
    for (const port of published) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  it('states at the top that it is an example for one host', () => {
    const head = /^(?:#.*\n)+/.exec(read('compose.yaml'))?.[0];
    expect(head).toMatch(/example to try on one host/);
    expect(head).toMatch(/Not for production as it is/);
  });

  it('publishes the port of each receiver', () => {
    const { port } = readSettings({});
    expect(services['receiver']?.ports).toEqual([`127.0.0.1:3000-3001:${port}`]);
    expect(services['receiver']).toMatchObject({ deploy: { replicas: 2 } });
  });
});

describe('Dockerfile', () => {
  const lines = read('Dockerfile').split('\n');
  const manifest = JSON.parse(read('package.json')) as { scripts: Record<string, string>; engines: { node: string } };

  it('copies only existing files that its context includes', () => {
    const copied = lines.filter((line) => line.startsWith('COPY ')).flatMap((line) => line.split(' ').slice(1, -1));
    expect(copied.length).toBeGreaterThan(3);
    const ignored = read('.dockerignore').split('\n');
    for (const path of copied) {
      expect([path, existsSync(join(root, path)), ignored.includes(path)]).toEqual([path, true, false]);
    }
  });

  it('builds the example with an existing script and all files the script needs', () => {
    expect(read('Dockerfile')).toContain('npm run -s build:example');
    const configs = ['build:example', 'build:esm'].flatMap((name) => [
      ...(manifest.scripts[name] ?? '').matchAll(/-p (\S+)/g),
    ]);
    expect(configs.map(([, path]) => path)).toEqual(['apps/example/tsconfig.app.json', 'tsconfig.esm.json']);
    const copied = lines.filter((line) => line.startsWith('COPY ')).join(' ');
    for (const path of ['tsconfig.esm.json', 'tsconfig.json', 'apps', 'libs']) expect(copied).toContain(` ${path} `);
  });

  it('starts the build on a Node with built-in SQLite', () => {
    expect(read('apps/example/tsconfig.app.json')).toContain('"outDir": "../../dist/example"');
    expect(existsSync(join(root, 'apps/example/src/main.ts'))).toBe(true);
    expect(lines).toContain('CMD ["node", "dist/example/main.js"]');
    expect(Number(/^FROM node:(\d+)-slim$/m.exec(read('Dockerfile'))?.[1])).toBeGreaterThanOrEqual(24);
  });
});
