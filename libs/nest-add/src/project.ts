import { requireOneOf, withoutSlashes, type InboxKind, type NestAddOptions } from './options.js';
import { jsonOf, type Tree } from './schematic.js';

interface CliConfiguration {
  readonly projects?: Readonly<Record<string, { readonly sourceRoot?: string }>>;
}

/** Returns the app's name in a monorepo, or `undefined` if it is the only app. @throws Error if `--project` is unknown */
export function findProject(tree: Tree, { project, sourceRoot }: NestAddOptions): string | undefined {
  const projects = projectsOf(tree);
  const names = Object.keys(projects);
  if (project === undefined) {
    return names.find((name) => withoutSlashes(projects[name]?.sourceRoot ?? '') === sourceRoot);
  }
  if (names.length > 0) return requireOneOf('--project', names, project);
  throw new Error(`--project: expected none, because nest-cli.json has no projects, got ${JSON.stringify(project)}`);
}

/** The longest schema name that `postgresInbox` accepts. */
const SCHEMA_LENGTH_MAX = 50;

/** Names the file of an SQLite inbox or the schema of a Postgres inbox. The schema needs no quotes in SQL. */
const INBOX_NAME: Readonly<Record<InboxKind, (project: string) => string>> = {
  sqlite: (project) => `runhooks-${project.replace(/[^\w.-]+/g, '-')}.db`,
  postgres: (project) => `runhooks_${project.replace(/\W+/g, '_').toLowerCase()}`.slice(0, SCHEMA_LENGTH_MAX),
};

/** Returns a name that no other project has. Two apps with one inbox would handle the webhooks of each other. */
export function findInboxName(tree: Tree, project: string, inbox: InboxKind): string {
  const name = INBOX_NAME[inbox](project);
  const other = Object.keys(projectsOf(tree)).find((key) => key !== project && INBOX_NAME[inbox](key) === name);
  if (other === undefined) return name;
  throw new Error(
    `nest-cli.json: expected each project to have an inbox of its own, found ${name} for ${project} and ${other}. ` +
      'Rename one of them',
  );
}

function projectsOf(tree: Tree): NonNullable<CliConfiguration['projects']> {
  const path = ['nest-cli.json', '.nest-cli.json'].find((name) => tree.exists(name));
  return (path === undefined ? {} : (jsonOf(tree, path) as CliConfiguration)).projects ?? {};
}
