/** Options of one call. */
export interface ParadimeCallOptions {
  /** Aborts the call, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of the download of an artifact. */
export interface ParadimeArtifactOptions extends ParadimeCallOptions {
  /** Largest accepted file, in bytes. @default 33_554_432 (32 MiB) */
  readonly bytesMax?: number;
}

/** Options of a call for nodes of a manifest. */
export interface ParadimeManifestOptions extends ParadimeCallOptions {
  /**
   * Command that wrote the manifest, for example `node.step?.id`, which saves calls. All commands of a run read the same commit,
   * so the manifest of any of them has the same nodes.
   * @default the first command with a manifest, in the order of `ParadimeApi.artifacts`
   */
  readonly commandId?: string | undefined;
}

/** Objects of one page of a list. */
export interface ParadimePage<T> {
  readonly items: readonly T[];
  /** Time of Paradime's server, with a precision of a second. */
  readonly serverTime?: Date;
}
