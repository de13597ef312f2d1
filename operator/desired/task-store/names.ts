// Names of a store's objects, and of what is in its Secret.
import type { Engine } from "../../api/task-store.ts";
import { roleName, shortRoleName } from "../names.ts";

/** Whose passwords anypod makes. Each has a Secret of its own, so that another one rolls the pods that use it. */
export type LoginsOf = Engine | "replication";
export const loginsSecretName = (owner: string, of: LoginsOf) => roleName(owner, `${of}-login`);

/** Entries of that Secret: all logins as `user:password`, with blanks between; the password that is used; the URL. */
export const loginsEntry = "logins";
export const passwordEntry = "password";
export const urlEntry = "url";

/** A managed store's StatefulSet, Service and NetworkPolicy; each engine has its own, and so its own volume. */
export const managedName = (owner: string, engine: Engine) => shortRoleName(owner, engine);
export const replicationName = (owner: string) => shortRoleName(owner, "replication");
export const cloudNativePgName = (owner: string) => shortRoleName(owner, "pg");

export const enginePort = { redis: 6379, postgresql: 5432 } satisfies Record<Engine, number>;

/** In PostgreSQL: the database, and the role that owns what is in it. */
export const database = "tasks";
