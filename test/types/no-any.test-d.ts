import type { DynamicModule, INestApplicationContext, Type } from '@nestjs/common';
import type * as root from 'nestjs-runhooks';
import type * as core from 'nestjs-runhooks/core';
import type * as dbtCloud from 'nestjs-runhooks/dbt-cloud';
import type * as paradime from 'nestjs-runhooks/paradime';
import type * as postgres from 'nestjs-runhooks/postgres';
import type * as sqlite from 'nestjs-runhooks/sqlite';
import type * as testing from 'nestjs-runhooks/testing';
import { expectSame } from './expect-type.js';

/** Types of other packages; some of Nest's contain `any`. */
type Foreign =
  DynamicModule | INestApplicationContext | Type | PropertyDecorator | Date | Uint8Array | AbortSignal | Error;
/** Fields of Runhooks with types of Nest. */
type ForeignField = 'imports' | 'inject' | 'useClass' | 'useExisting';
type Primitive = string | number | bigint | boolean | symbol | null | undefined;

/** The paths at which a type is `any`, or `never` if there are none. */
type AnyIn<T, Path extends string, Depth extends 0[] = []> = 0 extends 1 & T
  ? Path
  : Depth['length'] extends 8
    ? never
    : T extends Primitive | Foreign
      ? never
      : T extends readonly (infer Item)[]
        ? AnyIn<Item, `${Path}[]`, [...Depth, 0]>
        : T extends (...args: infer Args) => infer Result
          ? AnyIn<Args, `${Path}(…)`, [...Depth, 0]> | AnyIn<Result, `${Path}()`, [...Depth, 0]>
          : T extends abstract new (...args: never) => infer Instance
            ? AnyIn<Instance, `new ${Path}`, [...Depth, 0]>
            : T extends PromiseLike<infer Value>
              ? AnyIn<Value, `await ${Path}`, [...Depth, 0]>
              : {
                  [K in Exclude<keyof T, ForeignField>]: AnyIn<T[K], `${Path}.${K & string}`, [...Depth, 0]>;
                }[Exclude<keyof T, ForeignField>];

// Functions, classes and values that programs use.
expectSame<AnyIn<typeof root, 'nestjs-runhooks'>, never>();
expectSame<AnyIn<typeof core, 'core'>, never>();
expectSame<AnyIn<typeof dbtCloud, 'dbt-cloud'>, never>();
expectSame<AnyIn<typeof paradime, 'paradime'>, never>();
expectSame<AnyIn<typeof postgres, 'postgres'>, never>();
expectSame<AnyIn<typeof sqlite, 'sqlite'>, never>();
expectSame<AnyIn<typeof testing, 'testing'>, never>();

// Types with which handlers and providers are written.
expectSame<
  AnyIn<
    {
      WebhookEvent: root.WebhookEvent;
      MessageEvent: root.MessageEvent;
      DeliveryContext: root.DeliveryContext;
      WebhookRequest: root.WebhookRequest;
      HandlerDecoratorOptions: root.HandlerDecoratorOptions<root.RunEvent, root.ProviderName>;
      HandlerDecorator: root.HandlerDecorator<root.RunEvent>;
      WebhooksOptions: root.WebhooksOptions;
      WebhooksAsyncOptions: root.WebhooksAsyncOptions;
      WebhooksOptionsFactory: root.WebhooksOptionsFactory;
      Provider: core.Provider;
      Source: core.Source;
      Store: core.Store;
      StoreFactory: core.StoreFactory;
      ParseResult: core.ParseResult;
      DbtCloudPayload: dbtCloud.DbtCloudPayload;
      ParadimePayload: paradime.ParadimePayload;
    },
    ''
  >,
  never
>();

// Proves that an `any` would be found.
expectSame<AnyIn<{ a: { b: (c: string) => Promise<ReturnType<typeof JSON.parse>[]> } }, 'it'>, 'await it.a.b()[]'>();
