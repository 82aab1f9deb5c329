import { defined, type NodeResult, parseTimestamp } from 'nestjs-runhooks/core';
import type { ReadArtifact } from './artifact.js';
import { fieldsOf, textOf, wordOf } from './fields.js';
import type { JsonSink } from './json-cutter.js';
import { parseLeniently } from './lenient-json.js';
import { ARTIFACT_LIMITS } from './limits.js';
import { readResultRow } from './result-row.js';
import { UnreadableFile } from './unreadable-file.js';

/** Collects what `run_results.json` or `sources.json` contains. The two have the same members. */
export class ResultsFile implements JsonSink {
  readonly containers = new Map([['results', '[']] as const);
  readonly #members = new Map<string | number, unknown>();
  #nodes: NodeResult[] = [];
  #unreadableRows = 0;
  #hasResults = false;

  open(): void {
    this.#nodes = [];
    this.#unreadableRows = 0;
    this.#hasResults = true;
  }

  wants(): boolean {
    return true;
  }

  take(text: string | undefined, key: string | number, container?: string): void {
    const value = text === undefined ? undefined : parseLeniently(text);
    if (container !== undefined) {
      const node = readResultRow(value);
      if (node) this.#nodes.push(node);
      else this.#unreadableRows++;
      return;
    }
    if (key === 'results') this.#hasResults = false;
    if (text !== undefined && value === undefined) throw new UnreadableFile('unreadable');
    this.#members.set(key, value);
  }

  /**
   * Returns what was collected.
   *
   * @throws {UnreadableFile} if the document has no array `results`, or no row of it can be read.
   */
  end(): ReadArtifact {
    if (!this.#hasResults) throw new UnreadableFile('unreadable');
    if (this.#nodes.length === 0 && this.#unreadableRows > 0) throw new UnreadableFile('unreadable');
    const metadata = fieldsOf(this.#members.get('metadata'));
    const args = fieldsOf(this.#members.get('args'));
    return {
      isReadable: true,
      nodes: this.#nodes,
      unreadableRows: this.#unreadableRows,
      ...defined({
        generatedAt: parseTimestamp(textOf(metadata['generated_at'])),
        dbtVersion: shortWord(metadata['dbt_version']),
        invocationId: shortWord(metadata['invocation_id']),
        which: (shortWord(args['which']) ?? shortWord(args['command']))?.toLowerCase(),
        target: shortWord(args['target']),
      }),
    };
  }
}

function shortWord(value: unknown): string | undefined {
  return wordOf(value, ARTIFACT_LIMITS.wordCharsMax);
}
