import type { NodeStep } from 'nestjs-runhooks/core';
import { ARTIFACT_LIMITS } from './limits.js';

/** Returns a step or command of a run. Its name is cut, because each node of the step has it. */
export function nodeStepOf(id: string, name: string): NodeStep {
  // A cut can leave half of a character.
  const cut = name.slice(0, ARTIFACT_LIMITS.stepNameCharsMax).replace(/\p{Cs}/gu, '\ufffd');
  return { id, ...(cut !== '' && { name: cut }) };
}
