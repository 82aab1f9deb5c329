import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, ValidateNested } from 'class-validator';

export class HandDbtRun {
  @IsString() jobId!: string;
  @IsString() jobName!: string;
  @IsString() runId!: string;
  @IsString() environmentId!: string;
  @IsString() environmentName!: string;
  @IsString() dbtVersion!: string;
  @IsString() projectName!: string;
  @IsString() projectId!: string;
  @IsString() runStatus!: string;
  @IsInt() runStatusCode!: number;
  @IsString() runStatusMessage!: string;
  @IsString() runReason!: string;
  @IsOptional() @IsString() runStartedAt?: string;
  @IsOptional() @IsString() runFinishedAt?: string;
}

export class HandDbtPayload {
  @IsInt() accountId!: number;
  @IsString() eventId!: string;
  @IsString() timestamp!: string;
  @IsString() eventType!: string;
  @IsString() webhookId!: string;
  @IsString() webhookName!: string;
  @ValidateNested() @Type(() => HandDbtRun) data!: HandDbtRun;
}
