import type { ParadimeApiArtifact, ParadimeApiCommandDetail, ParadimeApiRunDetail } from './api-objects.js';
import type { ParadimeCallOptions } from './call-options.js';

/** Calls that list files. */
interface FileLists {
  run(id: string, options: ParadimeCallOptions): Promise<ParadimeApiRunDetail>;
  command(id: string, options: ParadimeCallOptions): Promise<ParadimeApiCommandDetail>;
}

/** Returns the files of each command by use: first those of failed commands, then those of the last command, and so on. */
export async function* artifactsByUse(
  api: FileLists,
  of: { readonly runId: string } | { readonly commandId: string },
  options: ParadimeCallOptions,
): AsyncGenerator<readonly ParadimeApiArtifact[]> {
  if ('commandId' in of) return yield (await api.command(of.commandId, options)).artifacts;
  const { commands } = await api.run(of.runId, options);
  const started = commands.filter(({ startedAt, returnCode }) => startedAt ?? returnCode !== undefined).toReversed();
  const byUse = [...started.filter(hasFailed), ...started.filter((command) => !hasFailed(command))];
  for (const { id } of byUse) yield (await api.command(id, options)).artifacts;
}

/** Returns whether a command has ended with an error. */
export function hasFailed({ returnCode = 0 }: { readonly returnCode?: number }): boolean {
  return returnCode !== 0;
}
