/**
 * What a program adds to the types by `declare module`: a provider of its own, and a message type that dbt may announce
 * before Runhooks knows it. One place, because it holds for every file of the program.
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
