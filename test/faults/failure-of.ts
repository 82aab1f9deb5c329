/** What an answer was refused with; undefined if it was not. */
export async function failureOf(answer: Promise<unknown>): Promise<unknown> {
  try {
    await answer;
    return undefined;
  } catch (error) {
    return error;
  }
}
