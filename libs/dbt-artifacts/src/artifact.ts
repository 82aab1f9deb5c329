import type { MissingResultsReason, NodeResult } from 'nestjs-runhooks/core';

/** Bytes of a file, such as a stream of a provider's API. */
export type ArtifactBytes = AsyncIterable<Uint8Array>;

/** Options for reading a file. */
export interface ArtifactOptions {
  /** Largest accepted file, in bytes after decompression. */
  readonly bytesMax: number;
  /** Ends the reading, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A `run_results.json` or `sources.json` that was read. */
export interface ReadArtifact {
  readonly isReadable: true;
  /** One result for each row, in the order of the file. A row without `unique_id` is not among them. */
  readonly nodes: readonly NodeResult[];
  /** Rows that could not be read. */
  readonly unreadableRows: number;
  readonly generatedAt?: Date;
  readonly dbtVersion?: string;
  readonly invocationId?: string;
  /** Command of dbt, for example `build` or `test`. */
  readonly which?: string;
  /** Target of dbt. */
  readonly target?: string;
}

/** A file that is not what dbt writes, or is too large. */
export interface UnreadableArtifact {
  readonly isReadable: false;
  readonly reason: Extract<MissingResultsReason, 'unreadable' | 'too-large'>;
}

/** Result of reading a file. */
export type ArtifactReading = ReadArtifact | UnreadableArtifact;

/** A node as `manifest.json` describes it. */
export interface ManifestNode {
  readonly uniqueId: string;
  readonly name?: string;
  readonly package?: string;
  readonly description?: string;
  /** Path of the file that defines it, from the root of its package. */
  readonly path?: string;
  /** Owner of its group (name, else email address), of an exposure, or in its meta, in this order. */
  readonly owner?: string;
  readonly tags: readonly string[];
  /** `config.meta`, or `meta`: free values of the project. */
  readonly meta: Readonly<Record<string, unknown>>;
}
