import { describe, expect, it } from '@jest/globals';
import { nodeNameOf, type NodeOutcome, type NodeResult } from 'nestjs-runhooks/core';
import type { ArtifactReading, ReadArtifact } from './artifact.js';
import { mergeSteps, type StepFiles } from './steps.js';

const STARTED_AT = new Date('2026-03-01T02:00:00Z');
const RUN = { startedAt: STARTED_AT };
const UNREADABLE: ArtifactReading = { isReadable: false, reason: 'unreadable' };
const TOO_LARGE: ArtifactReading = { isReadable: false, reason: 'too-large' };

function result(uniqueId: string, outcome: NodeOutcome): NodeResult {
  return { ...nodeNameOf(uniqueId), outcome, status: outcome };
}

/** A file that was written this many seconds after the start of the run. */
function file(
  seconds: number,
  outcomes: Readonly<Record<string, NodeOutcome>>,
  more?: Partial<ReadArtifact>,
): ReadArtifact {
  return {
    isReadable: true,
    nodes: Object.entries(outcomes).map(([id, outcome]) => result(id, outcome)),
    unreadableRows: 0,
    generatedAt: new Date(STARTED_AT.getTime() + seconds * 1_000),
    ...more,
  };
}

function step(id: string, ...files: readonly ArtifactReading[]): StepFiles {
  return { step: { id, name: `step ${id}` }, files };
}

/** Merges steps that have results, and returns each node as `id outcome step`. */
async function outcomes(...steps: readonly StepFiles[]): Promise<string[]> {
  const merged = await mergeSteps(steps, RUN);
  if (merged.state === 'missing') throw new Error(`expected results, got ${merged.reason}`);
  return merged.nodes.map((node) => `${node.uniqueId} ${node.outcome} ${node.step?.id}`);
}

describe('mergeSteps', () => {
  it('takes the last step that executed a node', async () => {
    const first = step('4', file(60, { 'model.a.x': 'failed', 'model.a.y': 'succeeded', 'model.a.z': 'failed' }));
    const second = step('5', file(90, { 'model.a.x': 'succeeded', 'model.a.y': 'failed' }));
    expect(await outcomes(first, second)).toEqual([
      'model.a.z failed 4',
      'model.a.x succeeded 5',
      'model.a.y failed 5',
    ]);
  });

  it('lets skipped replace nothing, and be replaced by everything', async () => {
    const first = step('4', file(60, { 'model.a.x': 'failed', 'model.a.y': 'skipped', 'model.a.z': 'skipped' }));
    const second = step('5', file(90, { 'model.a.x': 'skipped', 'model.a.y': 'unknown', 'model.a.z': 'skipped' }));
    expect(await outcomes(first, second)).toEqual(['model.a.x failed 4', 'model.a.z skipped 4', 'model.a.y unknown 5']);
  });

  it('misses results of a step that failed although none of its nodes did', async () => {
    const failed = (...files: readonly ArtifactReading[]): StepFiles => ({ ...step('4', ...files), hasFailed: true });
    const missing = [{ step: { id: '4', name: 'step 4' }, reason: 'not-written' }];
    expect(await mergeSteps([failed(file(60, {}))], RUN)).toEqual({ state: 'missing', reason: 'not-written' });
    expect(await mergeSteps([failed(file(60, { 'model.a.x': 'succeeded' }))], RUN)).toMatchObject({
      nodes: [{ uniqueId: 'model.a.x' }],
      missingSteps: missing,
    });
    for (const outcome of ['failed', 'unknown'] as const) {
      expect(await mergeSteps([failed(file(60, { 'model.a.x': outcome }))], RUN)).toMatchObject({ missingSteps: [] });
    }
    expect(await mergeSteps([failed(UNREADABLE)], RUN)).toEqual({ state: 'missing', reason: 'unreadable' });
  });

  it('takes the last row of a node that a file has twice', async () => {
    const twice = [result('test.a.x', 'succeeded'), result('test.a.x', 'failed'), result('test.a.x', 'skipped')];
    expect(await outcomes(step('4', file(60, {}, { nodes: twice })))).toEqual(['test.a.x failed 4']);
  });

  it('merges all files of a step', async () => {
    const merged = await mergeSteps(
      [
        step(
          '4',
          file(60, { 'source.a.raw.x': 'warned' }, { unreadableRows: 1, dbtVersion: '1.10.0', target: 'prod' }),
        ),
        step('5', file(90, { 'model.a.x': 'succeeded' }, { unreadableRows: 2, dbtVersion: '1.11.0' }), file(80, {})),
      ],
      RUN,
    );
    expect(merged).toMatchObject({
      state: 'available',
      nodes: [{ uniqueId: 'source.a.raw.x' }, { uniqueId: 'model.a.x' }],
      unreadableRows: 3,
      missingSteps: [],
      dbtVersion: '1.11.0',
      target: 'prod',
      generatedAt: new Date('2026-03-01T02:01:30Z'),
    });
  });

  it.each(['generate', 'compile', 'parse', 'list', 'show'])(
    'ignores what a step with dbt %s reports',
    async (which) => {
      const build = step('4', file(60, { 'test.a.x': 'failed' }, { which: 'build' }));
      const other = step('5', file(90, { 'test.a.x': 'succeeded' }, { which }));
      expect(await outcomes(build, other)).toEqual(['test.a.x failed 4']);
      expect(await mergeSteps([other], RUN)).toEqual({ state: 'missing', reason: 'nothing-ran' });
      expect(await mergeSteps([step('4'), other], RUN)).toEqual({ state: 'missing', reason: 'not-written' });
    },
  );

  it('ignores files that were written before the run began', async () => {
    const stale = step('4', file(-3_600, { 'model.a.x': 'failed' }));
    expect(await mergeSteps([stale], RUN)).toEqual({ state: 'missing', reason: 'stale' });
    expect(await mergeSteps([stale], {})).toMatchObject({ state: 'available' });
    expect(await mergeSteps([stale, step('5', file(60, { 'model.a.y': 'succeeded' }))], RUN)).toMatchObject({
      nodes: [{ uniqueId: 'model.a.y' }],
      missingSteps: [{ step: { id: '4' }, reason: 'stale' }],
    });
  });

  it('tolerates a clock of dbt that is a minute behind, and files without a time', async () => {
    expect(await outcomes(step('4', file(-60, { 'model.a.x': 'failed' })))).toHaveLength(1);
    expect(await mergeSteps([step('4', file(-61, { 'model.a.x': 'failed' }))], RUN)).toMatchObject({ reason: 'stale' });
    const { generatedAt, ...undated } = file(0, { 'model.a.x': 'failed' });
    expect(generatedAt).toBeDefined();
    expect(await outcomes(step('4', undated))).toHaveLength(1);
  });

  it('reports a step as stale that only has the file of an earlier step', async () => {
    const build = file(60, { 'model.a.x': 'succeeded' }, { invocationId: 'one' });
    expect(await mergeSteps([step('4', build), step('5', build)], RUN)).toMatchObject({
      nodes: [{ step: { id: '4' } }],
      missingSteps: [{ step: { id: '5' }, reason: 'stale' }],
    });
    const sources = file(70, { 'source.a.raw.x': 'warned' }, { invocationId: 'two' });
    expect(await mergeSteps([step('4', sources), step('5', build, sources)], RUN)).toMatchObject({
      nodes: [{ step: { id: '4' } }, { step: { id: '5' } }],
      missingSteps: [],
    });
  });

  it('keeps files of several steps whose metadata are the same but not their rows', async () => {
    const metadata = { invocationId: 'one' };
    const first = step('4', file(60, { 'model.a.x': 'succeeded' }, metadata));
    expect(await outcomes(first, step('5', file(60, { 'model.a.x': 'failed' }, metadata)))).toEqual([
      'model.a.x failed 5',
    ]);
  });

  it('lists steps whose files are missing or unreadable, if others have results', async () => {
    const merged = await mergeSteps(
      [
        step('4'),
        step('5', UNREADABLE),
        step('6', TOO_LARGE, file(60, { 'source.a.raw.x': 'failed' })),
        step('7', file(90, { 'model.a.x': 'succeeded' })),
      ],
      RUN,
    );
    expect(merged).toMatchObject({
      nodes: [{ uniqueId: 'source.a.raw.x' }, { uniqueId: 'model.a.x' }],
      missingSteps: [
        { step: { id: '4', name: 'step 4' }, reason: 'not-written' },
        { step: { id: '5' }, reason: 'unreadable' },
        { step: { id: '6' }, reason: 'too-large' },
      ],
    });
  });

  it.each<[string, readonly StepFiles[], string]>([
    ['no steps', [], 'not-written'],
    ['no files', [step('4'), step('5')], 'not-written'],
    ['an unreadable file', [step('4'), step('5', UNREADABLE)], 'unreadable'],
    ['a file that is too large', [step('4', UNREADABLE), step('5', TOO_LARGE)], 'too-large'],
    ['a file without rows', [step('4', file(60, {}))], 'nothing-ran'],
    ['a stale file and a missing one', [step('4', file(-3_600, { 'a.b.c': 'failed' })), step('5')], 'stale'],
  ])('gives the reason if there are no results because of %s', async (_what, steps, reason) => {
    expect(await mergeSteps(steps, RUN)).toEqual({ state: 'missing', reason });
  });
});
