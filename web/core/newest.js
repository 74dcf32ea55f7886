/** Answers to requests that may overtake each other: those for a choice that has changed since are dropped. */

/**
 * Return a function that asks and hands on the answer, or the error, unless it was called again by then.
 * @returns {(ask: () => Promise<any>, show: (answer: any) => void, fail: (error: unknown) => void) => Promise<void>}
 */
export function newestOnly() {
  let calls = 0;
  return async (ask, show, fail) => {
    calls += 1;
    const call = calls;
    /** @type {any} */
    let answer;
    try {
      answer = await ask();
    } catch (error) {
      if (call === calls) fail(error);
      return;
    }
    if (call === calls) show(answer);
  };
}
