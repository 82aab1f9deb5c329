import { randomUUID } from 'node:crypto';
import type { ClaimedTask, NewEvent, NewTask, TaskEvaluation } from 'nestjs-runhooks/core';
import { at, HANDLER, LEASE_MS, type StoreHarness, type Taken } from '../store-harness.js';

/** Returns a task, due at once except for the given fields. */
export function taskOf(id: string, fields: Partial<NewTask> = {}): NewTask {
  return { id, kind: 'stuck-run', handlerId: HANDLER, dueAt: at(0), data: `{"task":"${id}"}`, ...fields };
}

/** Records a new message with the tasks and returns its id. */
export async function addTasks(harness: StoreHarness, ...tasks: readonly NewTask[]): Promise<string> {
  const { id } = await harness.append();
  await harness.record(await harness.takeMessages(), { decide: () => ({ events: [], tasks }) });
  return id;
}

/** Claims due tasks. */
export async function takeTasks(
  harness: StoreHarness,
  { at: ms = 0, limit = 100, handlerIds = [HANDLER] }: { at?: number; limit?: number; handlerIds?: string[] } = {},
): Promise<Taken<ClaimedTask>> {
  const lease = randomUUID();
  return { lease, items: await harness.store.claimTasks({ now: at(ms), leaseMs: LEASE_MS, limit, lease, handlerIds }) };
}

/** Evaluates a task, by default so that it ends without an event. */
export async function evaluate(
  harness: StoreHarness,
  task: ClaimedTask,
  fields: Partial<TaskEvaluation> = {},
): Promise<readonly NewEvent[] | false> {
  const { id: taskId, lease } = task;
  return await harness.store.evaluate(
    { taskId, lease, question: {}, decide: () => ({ events: [] }), ...fields },
    at(0),
  );
}
