import type { FakeWebhook, WebhookResponse } from 'nestjs-runhooks/testing';
import type { AttemptSeen, Seen } from './consequences.js';
import type { Step } from './scenario.js';
import type { StoryStep } from './stories.js';

/** The results of one step. */
export interface StepResult {
  readonly step: Step;
  readonly answer: WebhookResponse;
  readonly seen: readonly Seen[];
  /** Lines the app logged during the step. */
  readonly log: readonly string[];
  /** Differences from the expected results; empty if there are none. */
  readonly problems: readonly string[];
}

/** The results of one step of a story. */
export interface StoryResult extends Pick<StepResult, 'seen' | 'log' | 'problems'> {
  readonly step: StoryStep;
  /** Webhooks that the fake sent, or lost, in this step. */
  readonly webhooks: readonly Pick<FakeWebhook, 'type' | 'runId' | 'state'>[];
}

export interface Summary {
  readonly ok: boolean;
  readonly requests: number;
  /** Steps at the fake of dbt Cloud. */
  readonly storySteps: number;
  readonly problems: number;
  readonly inbox: object;
}

/** Output of the demo. */
export interface Timeline {
  boot(log: readonly string[]): void;
  chapter(title: string): void;
  step(result: StepResult): void;
  storyStep(result: StoryResult): void;
  summary(summary: Summary): void;
}

/** Output for people. */
export const textTimeline: Timeline = {
  boot(log) {
    console.log('The app starts');
    for (const line of log) console.log(`  ${line}`);
  },
  chapter(title) {
    console.log(`\n${title}`);
  },
  step({ step, answer, seen, log, problems }) {
    const states = seen.flatMap((one) => (one.kind === 'message' ? [`, ${one.state}`] : [])).join('');
    console.log(`\n  ${step.source}: ${step.title}  ->  ${answer.status} ${answer.body.status}${states}`);
    if (answer.status !== 200) console.log(`      ${answer.body.message}`);
    printResults({ seen, log, problems });
  },
  storyStep({ step, webhooks, seen, log, problems }) {
    const sent = webhooks.map(({ type, state }) => `${type} ${state}`).join(', ') || 'no webhook';
    const found = seen.filter(({ kind }) => kind === 'message').length;
    const swept = found === 0 ? 'nothing new' : `${found} messages`;
    console.log(`\n  ${step.kind}: ${step.title}  ->  ${step.kind === 'sweep' ? swept : sent}`);
    printResults({ seen, log, problems });
  },
  summary({ ok, requests, storySteps, problems, inbox }) {
    const steps = `${requests} requests and ${storySteps} steps at the fake of dbt Cloud`;
    console.log(`\nThe inbox: ${JSON.stringify(inbox)}`);
    console.log(ok ? `${steps}, all as expected.` : `${steps}, ${problems} not as expected.`);
  },
};

function printResults({ seen, log, problems }: Pick<StepResult, 'seen' | 'log' | 'problems'>): void {
  for (const one of seen) if (one.kind === 'handled') console.log(`      ${attemptLine(one)}`);
  for (const line of log) console.log(`      | ${line}`);
  for (const problem of problems) console.log(`      NOT AS EXPECTED: ${problem}`);
}

function attemptLine({ handler, type, runId, runStatus, attempt, outcome }: AttemptSeen): string {
  const run = runId === null ? '' : `run ${runId} ${runStatus}`;
  const which = attempt === 1 ? '' : ` (attempt ${attempt})`;
  return `${handler.padEnd(24)}${type.padEnd(18)}${run.padEnd(24)}${outcome}${which}`;
}

/** Output for programs: one JSON object per line. */
export const jsonTimeline: Timeline = {
  boot: () => undefined,
  chapter: () => undefined,
  step({ step, answer, seen, problems }) {
    print({ kind: 'answer', source: step.source, httpStatus: answer.status, status: answer.body.status });
    for (const one of seen) print(one);
    for (const problem of problems) console.error(`${step.source}: ${step.title}: ${problem}`);
  },
  storyStep({ step, webhooks, seen, problems }) {
    for (const { type, runId, state } of webhooks) print({ kind: 'webhook', source: 'dbt', type, runId, state });
    const messages = seen.filter(({ kind }) => kind === 'message').length;
    if (step.kind === 'sweep') print({ kind: 'sweep', source: 'dbt', messages });
    for (const one of seen) print(one);
    for (const problem of problems) console.error(`dbt Cloud: ${step.title}: ${problem}`);
  },
  summary(summary) {
    print({ kind: 'summary', ...summary });
  },
};

function print(value: object): void {
  console.log(JSON.stringify(value));
}
