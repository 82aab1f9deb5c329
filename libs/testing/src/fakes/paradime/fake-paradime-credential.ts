/** Credential of a fake workspace. */
export type FakeParadimeCredential =
  /** A token: `prdm_wsp_…` of the workspace, or `prdm_cmp_…` of the company, which needs the workspace as a header. */
  | { readonly token: string }
  /** A key and its secret, as older workspaces have them. */
  | { readonly apiKey: string; readonly apiSecret: string };

/** Credentials by their right: `read` sees schedules and runs, `act` also starts and cancels runs. */
export type FakeParadimeCredentials = Readonly<Partial<Record<'read' | 'act', FakeParadimeCredential>>>;
