// One copy of equal values: thousands of objects of one shape have the same managed fields.
import { createHash } from "node:crypto";

/** Returns an equal value that may have been seen before; what nobody else holds any more is forgotten. */
export type Intern = <T extends object>(value: T) => T;

export function createIntern(): Intern {
  const known = new Map<string, WeakRef<object>>();
  const gone = new FinalizationRegistry<string>((id) => {
    if (known.get(id)?.deref() === undefined) known.delete(id);
  });
  return <T extends object>(value: T) => {
    const id = createHash("sha1").update(JSON.stringify(value)).digest("base64");
    const before = known.get(id)?.deref();
    if (before) return before as T;
    known.set(id, new WeakRef(value));
    gone.register(value, id);
    return value;
  };
}
