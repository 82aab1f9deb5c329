import { afterEach, describe, expect, it } from '@jest/globals';
import { IsOptional, useContainer } from 'class-validator';
import { Deciding, IdField, ListField, ObjectField, TextField } from './payload-fields.js';
import { blankValues } from './payload-blank.js';
import { validatePayload } from './payload-validation.js';

class Item {
  @Deciding()
  @IdField()
  id!: string;
}

class Body {
  @Deciding()
  @IdField()
  id!: string;

  @IsOptional()
  @TextField()
  text?: string | null;

  @IsOptional()
  @ObjectField(() => Item)
  one?: Item;

  @IsOptional()
  @ListField(() => Item)
  many?: Item[];
}

/** As `useContainer(app.select(AppModule))` without `fallbackOnErrors`: Nest throws for a class it does not provide. */
const NEST = {
  get(type: { readonly name: string }): never {
    throw new Error(`Nest could not find ${type.name} element (this provider does not exist in the current context)`);
  },
};
const EMPTY = { get: () => undefined };

afterEach(() => useContainer(undefined as unknown as typeof NEST));

describe('validatePayload', () => {
  it.each([
    ['throws', NEST],
    ['returns nothing', EMPTY],
  ])('works with a class-validator container of the app that %s', (_, container) => {
    useContainer(container as typeof NEST);
    expect(validatePayload(Body, { id: 1, text: null, one: { id: 2 }, many: [{ id: 'a' }, {}, 'b'] })).toMatchObject({
      ok: true,
      payload: { id: '1', one: { id: '2' }, many: [{ id: 'a' }] },
    });
    expect(validatePayload(Body, { id: {} })).toEqual({
      ok: false,
      reason: expect.stringMatching(/^id: expected an id \(.*\), got an object$/) as unknown as string,
    });
  });

  it('works for a field that must not be blank', () => {
    useContainer(NEST);
    const { NotBlank } = blankValues(['None']);
    class Named {
      @Deciding()
      @IdField()
      @NotBlank('an id')
      id!: string;
    }
    expect(validatePayload(Named, { id: 1, other: null })).toMatchObject({ ok: true, payload: { id: '1' } });
    expect(validatePayload(Named, { id: 'None' })).toEqual({
      ok: false,
      reason: 'id: expected an id, got a string of 4 characters',
    });
  });

  it('works for a class that is defined after the container is set', () => {
    useContainer(NEST);
    class Late {
      @Deciding()
      @TextField()
      text!: string;
    }
    expect(validatePayload(Late, { text: 'a' })).toMatchObject({ ok: true, payload: { text: 'a' } });
    expect(validatePayload(Late, {})).toMatchObject({ ok: false });
  });
});
