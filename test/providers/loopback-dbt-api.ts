import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A call that the server received. */
export interface DbtCall {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly authorization: string | undefined;
  readonly accept: string | undefined;
}

/** An object of the API. */
export type DbtObject = Readonly<Record<string, unknown>>;

type Responder = (response: ServerResponse, call: DbtCall) => void;

/** Small server with the paths of dbt Cloud's API that the client uses, for the specs of the client and its rounds. */
export class LoopbackDbtApi {
  readonly calls: DbtCall[] = [];
  readonly runs = new Map<number, DbtObject>();
  /** Objects and arrays by path. An array is paged. */
  readonly objects = new Map<string, unknown>();
  /** Parameters that have no effect. */
  readonly ignored = new Set<string>();
  readonly files = new Map<string, string>();
  /** Responses that come first, one a call. */
  readonly nextResponses: Responder[] = [];
  /** Called after each list of runs, for changes between two pages. */
  afterPage: () => void = () => undefined;
  /** Its time; `undefined` for answers without one. */
  now: Date | undefined = new Date('2026-11-30T12:00:00.000Z');
  pageItemsMax = 100;
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      const url = new URL(request.url ?? '', 'http://localhost');
      const { authorization, accept } = request.headers;
      const query = Object.fromEntries([...url.searchParams].filter(([name]) => !this.ignored.has(name)));
      const call = { method: request.method ?? '', path: url.pathname, query, authorization, accept };
      this.calls.push(call);
      if (this.now) response.setHeader('date', this.now.toUTCString());
      else response.sendDate = false;
      const respond = this.nextResponses.shift();
      if (respond) respond(response, call);
      else this.#respond(response, call);
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => void this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => void this.#server.close(resolve));
  }

  /** Adds or changes a run. Its fields are those of the API. */
  setRun(id: number, fields: DbtObject): void {
    this.runs.set(id, { ...(this.runs.get(id) ?? blankRun(id)), ...fields });
  }

  #respond(response: ServerResponse, { path, query }: DbtCall): void {
    const below = path.replace('/api/v2/accounts/4/', '');
    const [, id] = /^runs\/(\d+)\/$/.exec(below) ?? [];
    const file = this.files.get(`${path}${query['step'] === undefined ? '' : `?step=${query['step']}`}`);
    if (file !== undefined) return void response.end(file);
    if (below === 'runs/') return this.#list(response, this.#runsOf(query), query);
    const found = id === undefined ? this.objects.get(path) : this.runs.get(Number(id));
    if (Array.isArray(found) && !path.endsWith('artifacts/')) return this.#list(response, found, query);
    if (found === undefined) sendJson(response, 404, statusOf(404, 'The requested resource was not found.'));
    else sendJson(response, 200, { ...statusOf(200, 'Success!'), data: found });
  }

  #list(response: ServerResponse, all: readonly unknown[], query: DbtCall['query']): void {
    const [limit, offset] = [Math.min(Number(query['limit'] ?? 10), this.pageItemsMax), Number(query['offset'] ?? 0)];
    const data = all.slice(offset, offset + limit);
    const pagination = { count: data.length, total_count: all.length };
    sendJson(response, 200, { ...statusOf(200, 'Success!'), data, extra: { pagination } });
    this.afterPage();
  }

  #runsOf(query: DbtCall['query']): readonly DbtObject[] {
    const array = (name: string): readonly unknown[] | undefined =>
      query[name] === undefined ? undefined : (JSON.parse(query[name]) as unknown[]);
    const [statuses, ids] = [array('status__in'), array('pk__in')];
    const isWithin = (time: unknown, range: readonly unknown[] | undefined) =>
      !range || (typeof time === 'string' && micros(time) >= micros(range[0]) && micros(time) <= micros(range[1]));
    const order = query['order_by'] ?? 'id';
    const rank = (run: DbtObject) => (order === 'id' ? Number(run['id']) : micros(run[order]));
    return [...this.runs.values()]
      .filter((run) => !statuses || statuses.includes(run['status']))
      .filter((run) => !ids || ids.includes(run['id']))
      .filter((run) => query['id__gt'] === undefined || Number(run['id']) > Number(query['id__gt']))
      .filter((run) => isWithin(run['finished_at'], array('finished_at__range')))
      .filter((run) => isWithin(run['created_at'], array('created_at__range')))
      .toSorted((a, b) => rank(a) - rank(b) || Number(b['id']) - Number(a['id']));
  }
}

/** Sends a JSON answer. */
export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** Returns the status of an envelope. */
export function statusOf(code: number, user_message: string): object {
  return { data: null, status: { code, is_success: code < 300, user_message, developer_message: '' } };
}

/** Returns microseconds, as the API's times have them. */
function micros(time: unknown): number {
  if (typeof time !== 'string') return Number.POSITIVE_INFINITY;
  const [, fraction = ''] = /\.(\d+)/.exec(time) ?? [];
  const seconds = Date.parse(time.replace(/\.\d+/, '').replace(' ', 'T')) / 1_000;
  return seconds * 1_000_000 + Number(fraction.padEnd(6, '0'));
}

function blankRun(id: number): DbtObject {
  return {
    id,
    account_id: 4,
    project_id: 20,
    environment_id: 30,
    job_definition_id: 10,
    status: 10,
    dbt_version: 'versionless',
    git_branch: 'main',
    git_sha: '8d1ef1b2',
    status_message: null,
    artifacts_saved: true,
    created_at: '2026-11-30 11:00:00.000000+00:00',
    updated_at: '2026-11-30 11:10:00.500000+00:00',
    started_at: '2026-11-30 11:00:10.250000+00:00',
    finished_at: '2026-11-30 11:10:00.123456+00:00',
    trigger: { cause: 'Kicked off by the scheduler', cause_category: 'scheduled', github_pull_request_id: null },
    job: { id: 10, name: 'nightly', settings: { threads: 4 } },
    run_steps: [],
    status_humanized: 'Success',
    is_complete: true,
    can_retry: false,
    retrying_run_id: null,
    href: `https://ab123.us1.dbt.com/deploy/4/projects/20/runs/${id}/`,
  };
}
