import { defined } from 'nestjs-runhooks/core';
import type { ManifestNode } from './artifact.js';
import { type Fields, fieldsOf, isFields, textOf } from './fields.js';
import type { JsonSink } from './json-cutter.js';
import { parseLeniently } from './lenient-json.js';
import { UnreadableFile } from './unreadable-file.js';

/** Members of a manifest whose own members have a `unique_id` as their key. Old versions lack some of them. */
const CONTAINERS = [
  'nodes',
  'sources',
  'macros',
  'exposures',
  'metrics',
  'groups',
  'saved_queries',
  'semantic_models',
  'unit_tests',
  'functions',
] as const;

/** Collects the wanted nodes of `manifest.json`, and the owners of all groups. */
export class ManifestFile implements JsonSink {
  readonly containers = new Map(CONTAINERS.map((name) => [name, '{'] as const));
  readonly #wanted: ReadonlySet<string | number>;
  readonly #rows = new Map<string, Fields>();
  readonly #groups: Fields[] = [];
  #hasNodes = false;

  constructor(uniqueIds: Iterable<string>) {
    this.#wanted = new Set(uniqueIds);
  }

  open(container: string): void {
    if (container === 'nodes') this.#hasNodes = true;
  }

  wants(key: string | number, container?: string): boolean {
    return container === 'groups' || (container !== undefined && this.#wanted.has(key));
  }

  take(text: string | undefined, key: string | number, container?: string): void {
    const value = text === undefined ? undefined : parseLeniently(text);
    if (!isFields(value)) return;
    if (container === 'groups') this.#groups.push(value);
    if (this.#wanted.has(key)) this.#rows.set(String(key), value);
  }

  /**
   * Returns the nodes that were found.
   *
   * @throws {UnreadableFile} if the document has no `nodes`.
   */
  end(): ReadonlyMap<string, ManifestNode> {
    if (!this.#hasNodes) throw new UnreadableFile('unreadable');
    return new Map([...this.#rows].map(([uniqueId, row]) => [uniqueId, this.#node(uniqueId, row)]));
  }

  #node(uniqueId: string, row: Fields): ManifestNode {
    const config = fieldsOf(row['config']);
    const meta = metaOf(row, config);
    return {
      uniqueId,
      ...defined({
        name: textOf(row['name']),
        package: textOf(row['package_name']),
        description: textOf(row['description']),
        path: textOf(row['original_file_path']) ?? textOf(row['path']),
        owner: this.#groupOwner(row, config) ?? ownerText(row['owner']) ?? ownerText(meta['owner']),
      }),
      tags: [...new Set([...textsOf(row['tags']), ...textsOf(config['tags'])])],
      meta,
    };
  }

  /** Returns the owner of the node's group. dbt allows each group name once. */
  #groupOwner(row: Fields, config: Fields): string | undefined {
    const name = textOf(config['group']) ?? textOf(row['group']);
    const group = name === undefined ? undefined : this.#groups.find((each) => each['name'] === name);
    return ownerText(group?.['owner']);
  }
}

/** Newer versions of dbt write `meta` into `config`, and older ones beside it. Many write both. */
function metaOf(row: Fields, config: Fields): Fields {
  const meta = fieldsOf(config['meta']);
  return Object.keys(meta).length > 0 ? meta : fieldsOf(row['meta']);
}

/** Returns a name, or that of an object with `name` and `email`, or several of them. */
function ownerText(value: unknown): string | undefined {
  if (Array.isArray(value)) return textOf(value.map(ownerText).filter(Boolean).join(', '));
  if (isFields(value)) return ownerText(value['name']) ?? ownerText(value['email']);
  return textOf(value)?.trim();
}

/** dbt accepts one tag instead of a list of tags. */
function textsOf(value: unknown): string[] {
  const values: unknown[] = Array.isArray(value) ? value : [value];
  return values.filter((each) => typeof each === 'string' && each !== '').map(String);
}
