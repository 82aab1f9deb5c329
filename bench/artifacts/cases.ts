import { mergeSteps, readManifestNodes, readRunResults } from 'nestjs-runhooks/dbt-artifacts';
import { FAILING_TESTS, largeManifest, largeRunResults, nodeId } from './large-files.js';
import { type Measurement, measure } from './measure.js';

const MB = 1_000_000;
/** Nodes of the manifest that are looked up: as many as an event of results has. */
const WANTED = Array.from({ length: 200 }, (_, index) => nodeId(index * 250));

/** Files to read, each in a process of its own. */
export const CASES = {
  'run_results.json, 50 MB': () =>
    measure(async (observed) => {
      const reading = await readRunResults(observed(largeRunResults(50 * MB)), { bytesMax: 60 * MB });
      const merged = await mergeSteps([{ step: { id: '4' }, files: [reading] }], {});
      const failed = merged.state === 'available' ? merged.nodes.filter((node) => node.outcome === 'failed').length : 0;
      if (failed !== FAILING_TESTS) throw new Error(`expected ${FAILING_TESTS} failed tests, got ${failed}`);
    }),
  'manifest.json, 300 MB': () =>
    measure(async (observed) => {
      const nodes = await readManifestNodes(observed(largeManifest(300 * MB)), WANTED, { bytesMax: 310 * MB });
      const owned = [...(nodes?.values() ?? [])].filter((node) => node.owner === 'Finance').length;
      if (owned !== WANTED.length) throw new Error(`expected ${WANTED.length} nodes with an owner, got ${owned}`);
    }),
} satisfies Record<string, () => Promise<Measurement>>;

export type CaseName = keyof typeof CASES;

export function isCaseName(name: string | undefined): name is CaseName {
  return name !== undefined && Object.hasOwn(CASES, name);
}
