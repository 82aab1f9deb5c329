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
import { LIMITS } from './limits.js';
import { EXIT, type ExitCode, type Output } from './output.js';

type SendLine = LineOf<'send'>;

/** Who can be imitated, and the variable in which the app of the README has the secret. */
const PROVIDERS = {
  'dbt-cloud': { secretVariable: 'DBT_CLOUD_WEBHOOK_SECRET', sign: byDbtCloud },
  paradime: { secretVariable: 'PARADIME_WEBHOOK_SECRET', sign: byParadime },
} as const;

/** Nothing listens there, or it does not answer. */
class UnansweredError extends OwnError {
  protected static override readonly className = 'UnansweredError';
  readonly code = 'RUNHOOKS_UNANSWERED';
}

/** `nestjs-runhooks send` */
export async function runSend(line: SendLine, output: Output, errors: Output): Promise<ExitCode> {
  try {
    const answer = await post(urlOf(line), webhookOf(line));
    const { httpStatus, status, text } = answer;
    if (line.json) output.write(`${JSON.stringify({ kind: 'answer', ...answer })}\n`);
    else output.write(`${oneLine(`${httpStatus} ${text}`.trim())}\n`);
    if (httpStatus === 200 && (status === 'accepted' || status === 'duplicate')) return EXIT.done;
    if (!line.json) errors.write(`${oneLine(`nestjs-runhooks send: ${remedyFor(answer)}`)}\n`);
    return EXIT.failed;
  } catch (error) {
    const { code, message } = saidBy(error);
    if (line.json) output.write(`${JSON.stringify({ kind: 'failed', code, message })}\n`);
    else errors.write(`nestjs-runhooks send: ${message}\n`);
    return error instanceof ConfigurationError ? EXIT.usage : EXIT.failed;
  }
}

function urlOf({ url: text }: SendLine): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new ConfigurationError('<url>', 'expected an address that begins with http:// or https://');
  }
  if (url.username !== '' || url.password !== '') {
    throw new ConfigurationError('<url>', 'found a user or a password in it; expected none, as no provider sends them');
  }
  return url;
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
  // The app would not start with such a text unless it is one of `{ utf8: … }`.
  const isEncoded = /^wh(?:sec|pk)_/.test(secret) || /^(?:[\w+/-]{4})*[\w+/-]{2,4}={0,2}$/.test(secret);
  const options = { secret: isEncoded ? secret : { utf8: secret }, payload };
  return paradimeWebhook({ ...defined({ event: event as ParadimeTestEvent }), ...options });
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
  /** Of an answer that is from Runhooks. */
  readonly status?: string;
  /** As Runhooks says it, in a line; else the beginning of what came. */
  readonly text: string;
  /** Of the stored message. */
  readonly messageId?: string;
  /** Where a redirect leads. */
  readonly location?: string;
}

async function post(url: URL, { headers, text }: SignedWebhook): Promise<Answer> {
  const options = { method: 'POST', headers, body: text, signal: AbortSignal.timeout(LIMITS.answerMs) };
  try {
    // As a sender does; a page that is redirected to is no answer to a webhook.
    const response = await fetch(url, { ...options, redirect: 'manual' });
    const location = response.headers.get('location');
    const answer = readAnswer(await beginningOf(response));
    return { httpStatus: response.status, ...answer, ...(location !== null && { location }) };
  } catch (error) {
    throw new UnansweredError(`${url.host} did not answer as HTTP: ${reasonOf(error)}. ${REMEDY}`, { cause: error });
  }
}

const REMEDY = 'Is the app running there, on this port, and without TLS if the address begins with http://?';

/** Something else may answer, and at any length. */
async function beginningOf(response: Response): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const part of response.body ?? []) {
    text += decoder.decode(part, { stream: true });
    if (text.length > LIMITS.answerCharsMax) break;
  }
  return text;
}

/** What Runhooks answers is `{ status, message, id? }`; anything else is shown as it begins. */
function readAnswer(body: string): Pick<Answer, 'status' | 'text' | 'messageId'> {
  const { status, message, id } = fieldsOf(body);
  if (typeof status !== 'string' || typeof message !== 'string')
    return { text: body.slice(0, LIMITS.answerCharsShown) };
  return typeof id === 'string'
    ? { status, text: `${status} ${id}`, messageId: id }
    : { status, text: `${status}: ${message}` };
}

function fieldsOf(body: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(body)) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}

function remedyFor({ httpStatus, status, location }: Answer): string {
  if (location !== undefined) return `this address only redirects to ${location}. Send to the address it leads to`;
  if (status === 'missing-header') {
    return 'the source expects a signature in another header. Is --provider that of the source?';
  }
  if (httpStatus === 401) return 'the app has another secret, or something changed the body on its way';
  if (httpStatus === 404) return 'no source has this path. The log of the app lists its paths at the start';
  if (status === undefined) return 'this is no answer of Runhooks. Are port and path those of the app?';
  return 'the log of the app says more';
}

/** What `fetch` means by "fetch failed" is in the cause. */
function reasonOf(error: unknown): string {
  const { cause, message } = Object(error) as { cause?: { code?: unknown; message?: unknown }; message?: unknown };
  return String(cause?.code ?? cause?.message ?? message ?? error);
}
