import { isProviderApiError } from 'nestjs-runhooks/core';
import {
  type ArtifactBytes,
  type ArtifactOptions,
  type ManifestNode,
  readManifestNodes,
} from 'nestjs-runhooks/dbt-artifacts';
import { PARADIME_LIMITS } from '../limits.js';
import type { ParadimeApiArtifact } from './api-objects.js';

type Nodes = ReadonlyMap<string, ManifestNode>;

/** Nodes to find, and where. */
export interface ManifestRequest {
  readonly uniqueIds: readonly string[];
  /** Files of one command after the other. They are listed until a manifest is found. */
  readonly artifacts: AsyncIterable<readonly ParadimeApiArtifact[]>;
  /** Downloads a file. */
  readonly open: (artifact: ParadimeApiArtifact, options: ArtifactOptions) => Promise<ArtifactBytes>;
  readonly signal: AbortSignal | undefined;
}

/** Finds nodes in the first manifest that can be downloaded. */
export async function findManifestNodes(request: ManifestRequest): Promise<Nodes> {
  for await (const ofCommand of request.artifacts) {
    const manifest = ofCommand.find(({ path }) => /(?:^|\/)manifest\.json$/.test(path));
    const nodes = manifest && (await nodesOf(manifest, request));
    if (nodes) return nodes;
  }
  return new Map();
}

/** Returns `undefined` if the file is listed, but cannot be downloaded. */
async function nodesOf(
  manifest: ParadimeApiArtifact,
  { uniqueIds, open, signal }: ManifestRequest,
): Promise<Nodes | undefined> {
  const options = { bytesMax: PARADIME_LIMITS.manifestBytesMax, signal };
  try {
    return (await readManifestNodes(await open(manifest, options), uniqueIds, options)) ?? new Map();
  } catch (error) {
    if (!isProviderApiError(error)) throw error;
    if (error.reason === 'not-found') return undefined;
    if (error.reason === 'too-large') return new Map();
    throw error;
  }
}
