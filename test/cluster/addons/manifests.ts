// Manifests and values with places to fill in.
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Replaces each `${name}` by the value of that name. Throws when there is none. */
export function fillIn(template: string, values: Record<string, string>): string {
  return template.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`the template asks for \${${name}}, which nobody gives`);
    return value;
  });
}

/** One of the manifests beside this file, filled in. */
export function manifest(name: string, values: Record<string, string>): string {
  return fillIn(readFileSync(join(import.meta.dirname, `${name}.yaml`), "utf8"), values);
}
