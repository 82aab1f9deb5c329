/** Options for one page of a list. */
export interface PageRequest {
  /** `next` of the previous page. @default the list begins with its first page */
  readonly after?: string;
  /** Largest number of items on the page, at most 1000. @default 50 */
  readonly limit?: number;
}

/** One page of a list, newest item first unless the list's description differs. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Pass it as `after` to get the next page. Absent on the last page. */
  readonly next?: string;
}
