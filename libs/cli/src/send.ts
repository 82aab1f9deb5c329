import { ConfigurationError, oneLine, OwnError } from 'nestjs-runhooks/core';
import {
  dbtCloudWebhook,
  paradimeWebhook,
  type DbtCloudTestEvent,
  type ParadimeTestEvent,
  type SignedWebhook,
} from 'nestjs-runhooks/testing';
import type { LineOf } from './command-line.js';
import { saidBy } from './failure.js';
import { EXIT, type ExitCode, type Output } from './output.js';

type SendLine = LineOf<'send'>;

/** Longer than any app should take: providers wait for 10 seconds. */
const ANSWER_MS_MAX = 30_000;
/** Of an answer that is not from Runhooks, for example the page of a proxy. */
const SHOWN_CHARS_MAX = 200;

/** Who can be imitated, and the variable in which the app of the README has the secret. */
const PROVIDERS = {
  'dbt-cloud': { secretVariable: 'DBT_CLOUD_WEBHOOK_SECRET', sign: byDbtCloud },
  paradime: { secretVariable: 'PARADIME_WEBHOOK_SECRET', sign: byParadime },
} as const;

/** Nothing listens there, or it does not answer. */
class UnansweredError extends OwnError {
  readonly code = 'RUNHOOKS_UNANSWERED';
}

/** `nestjs-runhooks send` */
export async function runSend(line: SendLine, output: Output, errors: Output): Promise<ExitCode> {
  try {
    const answer = await post(urlOf(line), webhookOf(line));
    if (line.json) output.write(`${JSON.stringify({ kind: 'answer', ...answer })}\n`);
    else output.write(`${oneLine(`${answer.httpStatus} ${answer.text}`)}\n`);
    if (answer.httpStatus < 300) return EXIT.done;
    if (!line.json) errors.write(`nestjs-runhooks send: ${remedyFor(answer.httpStatus)}\n`);
    return EXIT.failed;
  } catch (error) {
    const { code, message } = saidBy(error);
    if (line.json) output.write(`${JSON.stringify({ kind: 'failed', code, message })}\n`);
    else errors.write(`nestjs-runhooks send: ${message}\n`);
    return error instanceof ConfigurationError ? EXIT.usage : EXIT.failed;
  }
}

function urlOf({ url }: SendLine): URL {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return new URL(url);
  throw new ConfigurationError('<url>', 'expected an address that begins with http:// or https://');
}

function webhookOf(line: SendLine): SignedWebhook {
  const { provider = 'dbt-cloud' } = line;
  if (!Object.hasOwn(PROVIDERS, provider)) {
    const names = Object.keys(PROVIDERS).join(' or ');
    throw new ConfigurationError('--provider', `found ${JSON.stringify(provider)}; expected ${names}`);
  }
  const { secretVariable, sign } = PROVIDERS[provider as keyof typeof PROVIDERS];
  const { 'secret-env': variable = secretVariable } = line;
  const secret = process.env[variable];
  if (secret) return sign(line, secret);
  throw new ConfigurationError(
    '--secret-env',
    `the environment variable ${variable} is not set. Set it to the secret that the app has, or name another variable`,
  );
}

function byDbtCloud({ event, job, project, run }: SendLine, secret: string): SignedWebhook {
  const data = defined({ jobName: job, projectName: project, runId: run });
  return dbtCloudWebhook({ ...defined({ event: event as DbtCloudTestEvent }), secret, payload: { data } });
}

function byParadime({ event, job, project, run }: SendLine, secret: string): SignedWebhook {
  const payload = {
    ...defined({ schedule_name: job, id: run === undefined ? undefined : wholeOf(run) }),
    schedule: defined({ name: job }),
    workspace: defined({ name: project }),
  };
  return paradimeWebhook({ ...defined({ event: event as ParadimeTestEvent }), secret, payload });
}

function wholeOf(run: string): number {
  if (/^\d{1,15}$/.test(run)) return Number(run);
  throw new ConfigurationError('--run', `found ${JSON.stringify(run)}; expected a number, as Paradime's runs have`);
}

/** The fields that have a value. */
function defined<Fields extends object>(fields: Fields): { [Name in keyof Fields]?: NonNullable<Fields[Name]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Fields;
}

interface Answer {
  readonly httpStatus: number;
  /** As Runhooks says it, in a line; else the beginning of what came. */
  readonly text: string;
  /** Of the stored message. */
  readonly messageId?: string;
}

async function post(url: URL, { headers, text }: SignedWebhook): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers,
    body: text,
    // As a sender does; a page that is redirected to is no answer to a webhook.
    redirect: 'manual',
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  }).catch((error: unknown) => {
    throw new UnansweredError(`${url.host} did not answer: ${reasonOf(error)}. Is the app running there?`, {
      cause: error,
    });
  });
  return { httpStatus: response.status, ...readAnswer(await response.text()) };
}

/** What Runhooks answers is `{ status, message, id? }`; anything else is shown as it begins. */
function readAnswer(body: string): Pick<Answer, 'text' | 'messageId'> {
  const beginning = body.slice(0, SHOWN_CHARS_MAX);
  try {
    const { status, message, id } = JSON.parse(body) as Record<string, unknown>;
    if (typeof status !== 'string') return { text: beginning };
    return typeof id === 'string'
      ? { text: `${status} ${id}`, messageId: id }
      : { text: `${status}: ${String(message)}` };
  } catch {
    return { text: beginning };
  }
}

function remedyFor(httpStatus: number): string {
  if (httpStatus === 401)
    return 'the app has another secret, or something changed the body on its way. Its log says more';
  if (httpStatus === 404) return 'no source has this path. The log of the app lists its paths at the start';
  return 'the log of the app says more';
}

/** What `fetch` means by "fetch failed" is in the cause. */
function reasonOf(error: unknown): string {
  const { cause, message } = Object(error) as { cause?: { code?: unknown; message?: unknown }; message?: unknown };
  return String(cause?.code ?? cause?.message ?? message ?? error);
}
