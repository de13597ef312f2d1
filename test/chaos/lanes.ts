// Work on many things, a few at once.

/** Ends when all is done, or with the first error when what is under way has ended. */
export async function lanes<T>(count: number, items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const todo = [...items];
  const errors: unknown[] = [];
  async function lane() {
    for (let item = todo.shift(); item !== undefined && errors.length === 0; item = todo.shift()) {
      await work(item).catch((error) => errors.push(error));
    }
  }
  await Promise.all(Array.from({ length: count }, lane));
  if (errors.length > 0) throw errors[0];
}
