// Baskets in the store, behind explicit handles: whoever has a basket_id may use it, on any pod, without a session.
import { randomUUID } from "node:crypto";
import type { Store } from "./store.ts";

const LIFETIME_MS = 24 * 3_600_000;

export interface Baskets {
  create(): Promise<string>;
  /** Throws an Error that the model can act on when the basket isn't there. */
  add(basketId: string, item: string): Promise<void>;
  items(basketId: string): Promise<string[]>;
}

export function openBaskets(store: Store): Baskets {
  const missing = (basketId: string) => new Error(`There is no basket ${basketId}: create one, or check the id`);
  const key = (basketId: string) => `basket:${basketId}`;
  return {
    create: async () => {
      const basketId = randomUUID();
      await store.create(key(basketId), { createdAt: String(Date.now()) }, LIFETIME_MS);
      return basketId;
    },
    add: async (basketId, item) => {
      // A field for each item: two pods that add at the same moment both succeed.
      if (!(await store.merge(key(basketId), { [`item:${Date.now()}:${randomUUID()}`]: item })))
        throw missing(basketId);
    },
    items: async (basketId) => {
      const fields = await store.read(key(basketId));
      if (fields === undefined) throw missing(basketId);
      const names = Object.keys(fields).filter((name) => name.startsWith("item:"));
      return names.sort().map((name) => fields[name] ?? "");
    },
  };
}
