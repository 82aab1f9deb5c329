import { Type } from 'class-transformer';
import { IsArray, IsInt, IsOptional, IsString, ValidateNested } from 'class-validator';

export class HandParadimeResource {
  @IsInt() id!: number;
  @IsString() path!: string;
  @IsString() resource_query!: string;
}

export class HandParadimeCommand {
  @IsInt() id!: number;
  @IsString() command!: string;
  @IsString() api_query!: string;
  @IsString() start_dttm!: string;
  @IsString() end_dttm!: string;
  @IsInt() return_code!: number;
  @IsString() status!: string;
  @IsArray() @ValidateNested({ each: true }) @Type(() => HandParadimeResource) json_resources!: HandParadimeResource[];
}

export class HandParadimeWorkspace {
  @IsString() name!: string;
  @IsString() uid!: string;
}

export class HandParadimePayload {
  @IsInt() id!: number;
  @IsString() uuid!: string;
  @IsString() run_url!: string;
  @IsString() schedule_name!: string;
  @IsString() status!: string;
  @IsString() start_dttm!: string;
  @IsOptional() @IsString() end_dttm?: string;
  @IsOptional() @IsString() error_string?: string | null;
  @ValidateNested() @Type(() => HandParadimeWorkspace) workspace!: HandParadimeWorkspace;
  @IsArray() @ValidateNested({ each: true }) @Type(() => HandParadimeCommand) commands!: HandParadimeCommand[];
}
