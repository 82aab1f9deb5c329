/**
 * Returns the origin of the pages of runs. The addresses of the API and of the pages differ in their first label, as in
 * Paradime's samples (`api.demo.paradime.io`, `app.demo.paradime.io`) and in its integrations for Airflow and Dagster.
 * Only workers check the address, so that it can be anything here.
 */
export function appOriginOf(endpoint: unknown): string | undefined {
  if (typeof endpoint !== 'string' || !URL.canParse(endpoint)) return undefined;
  const { protocol, host } = new URL(endpoint);
  const rest = /^api\.((?:[a-z0-9-]+\.)*paradime\.io)$/.exec(host)?.[1];
  return protocol === 'https:' && rest !== undefined ? `https://app.${rest}` : undefined;
}

/** Returns the page of a run, as Paradime's integrations for Airflow and Dagster build it, or `undefined` without an origin. */
export function runPageOf(appOrigin: string | undefined, runId: string): string | undefined {
  return appOrigin === undefined ? undefined : `${appOrigin}/bolt/run_id/${runId}`;
}
