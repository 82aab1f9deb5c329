import { defined } from 'nestjs-runhooks/core';
import type { DbtCloudApiPlace, DbtCloudApiRun } from '../api/api-objects.js';
import type { DbtCloudApi } from '../api/dbt-cloud-api.js';
import { DBT_CLOUD_LIMITS } from '../limits.js';
import { withoutRefusal } from './without-refusal.js';

/** Names that webhooks contain and runs of the API lack. Filters match them. */
export interface RunNames {
  readonly project?: string;
  readonly environment?: string;
  readonly job?: string;
}

/** Names of one list, by id. */
interface ReadNames {
  readonly names: ReadonlyMap<string, string>;
  readonly readAt: Date;
}

/** Names of projects and environments. They are asked for every three hours, and sooner for an id that is missing. */
export class ProviderNames {
  readonly #api: DbtCloudApi;
  /** By the id of the project whose environments they name; `''` for projects. */
  readonly #lists = new Map<string, ReadNames>();

  constructor(api: DbtCloudApi) {
    this.#api = api;
  }

  /** Returns the names of a run. A name that the token may not read, or that does not exist, is absent. */
  async of(run: DbtCloudApiRun, now: Date, signal: AbortSignal): Promise<RunNames> {
    const { projectId, environmentId, jobName: job } = run;
    const project = projectId && (await this.#nameOf('', projectId, now, () => this.#api.projects({ signal })));
    const environment =
      projectId &&
      environmentId &&
      (await this.#nameOf(projectId, environmentId, now, () => this.#api.environments(projectId, { signal })));
    return defined({ project, environment, job });
  }

  async #nameOf(
    list: string,
    id: string,
    now: Date,
    read: () => Promise<readonly DbtCloudApiPlace[]>,
  ): Promise<string | undefined> {
    const known = this.#lists.get(list);
    const name = known?.names.get(id);
    const ageMs = known ? Math.abs(now.getTime() - known.readAt.getTime()) : Number.POSITIVE_INFINITY;
    if (ageMs < (name === undefined ? DBT_CLOUD_LIMITS.namesMissingMs : DBT_CLOUD_LIMITS.namesMs)) return name;
    // A failure ends the round, so that no run is reported without its names.
    const places = await withoutRefusal(read);
    const names = new Map(places.map((place) => [place.id, place.name]));
    this.#lists.set(list, { names, readAt: now });
    return names.get(id);
  }
}
