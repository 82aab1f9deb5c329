/** An operation of Paradime's GraphQL API. */
export interface ParadimeOperation {
  /** Field of `data` that has the result. */
  readonly field: string;
  readonly text: string;
}

/**
 * Every query that Runhooks sends. Queries only read. The texts are constant, and ids and names are variables, so nothing from a webhook can
 * become a part of a query. Outputs of commands are never requested whole, because they have no limit.
 *
 * Paradime publishes no schema. The queries follow its Python SDK
 * (https://github.com/paradime-io/paradime-python-sdk, `paradime/apis/bolt/client.py` and `paradime/apis/workspaces`).
 */
export const QUERIES = {
  schedules: {
    field: 'listBoltSchedules',
    text: `query listBoltSchedules($offset: Int!, $limit: Int!, $showInactive: Boolean!) {
  listBoltSchedules(offset: $offset, limit: $limit, showInactive: $showInactive) {
    schedules { name slug schedule owner lastRunAt lastRunState nextRunAt uuid suspended gitBranch }
    totalCount
  }
}`,
  },
  runs: {
    field: 'listBoltRuns',
    text: `query listBoltRuns($slug: String, $offset: Int!, $limit: Int!) {
  listBoltRuns(slug: $slug, offset: $offset, limit: $limit) {
    ok
    runs {
      id state actor actorEmail startDttm endDttm parentScheduleRunId
      gitInfo { branch commitHash pullRequestId }
    }
  }
}`,
  },
  run: {
    field: 'boltRunStatus',
    text: `query boltRunStatus($runId: Int!) {
  boltRunStatus(runId: $runId) {
    state
    commands { id command startDttm endDttm returnCode }
  }
}`,
  },
  command: {
    field: 'boltCommand',
    text: `query boltCommand($commandId: Int!) {
  boltCommand(commandId: $commandId) {
    command startDttm endDttm returnCode scheduleRunId
    resources { id path }
  }
}`,
  },
  commandLogs: {
    field: 'boltCommandLogs',
    text: `query boltCommandLogs($commandId: Int!, $cursor: String) {
  boltCommandLogs(commandId: $commandId, cursor: $cursor) {
    lines { stream line }
    cursor
    finished
  }
}`,
  },
  resourceUrl: {
    field: 'boltResourceUrl',
    text: `query boltResourceUrl($resourceId: Int!) {
  boltResourceUrl(resourceId: $resourceId) { ok url }
}`,
  },
  workspaces: {
    field: 'listWorkspaces',
    text: `query listWorkspaces {
  listWorkspaces { workspaces { uid name } }
}`,
  },
} as const satisfies Readonly<Record<string, ParadimeOperation>>;
