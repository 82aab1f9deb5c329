/**
 * The types that a program adds by `declare module`: its own provider, and a message type that dbt may add before
 * Runhooks recognizes it. They are in one file because they apply to every file of the program.
 */
export interface WeaverPayload {
  readonly pipeline: string;
}

declare module 'nestjs-runhooks/core' {
  interface ProviderPayloads {
    weaver: WeaverPayload;
  }
  interface ProviderMessageTypes {
    weaver: 'pipeline.done' | 'pipeline.failed';
  }
  interface ExtraMessageTypes {
    'job.run.warned': 'dbt-cloud';
  }
}
